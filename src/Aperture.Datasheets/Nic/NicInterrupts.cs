namespace Aperture.Datasheets.Nic;

/// <summary>Bits of IRQ_ENABLE and IRQ_STATUS of the ring NIC.</summary>
[Flags]
public enum NicInterrupts : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>[0] A frame was stored.</summary>
    Received = 1 << 0,

    /// <summary>[1] A frame was sent, and its descriptors are done.</summary>
    Sent = 1 << 1,

    /// <summary>[2] A frame was dropped for want of a buffer.</summary>
    Dropped = 1 << 2,

    /// <summary>[3] An engine stopped; see <see cref="NicStatus"/>.</summary>
    Error = 1 << 3,

    /// <summary>All of them.</summary>
    All = Received | Sent | Dropped | Error,
}
