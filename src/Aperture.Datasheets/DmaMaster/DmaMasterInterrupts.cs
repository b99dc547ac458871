namespace Aperture.Datasheets.DmaMaster;

/// <summary>Bits of IRQ_ENABLE and IRQ_STATUS of the generic DMA master.</summary>
[Flags]
public enum DmaMasterInterrupts : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>[0] A command ended well.</summary>
    Done = 1 << 0,

    /// <summary>[1] A command stalled.</summary>
    Stalled = 1 << 1,

    /// <summary>[2] A command failed.</summary>
    Error = 1 << 2,

    /// <summary>All of them.</summary>
    All = Done | Stalled | Error,
}
