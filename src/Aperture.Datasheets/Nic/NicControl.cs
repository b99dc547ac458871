namespace Aperture.Datasheets.Nic;

/// <summary>CONTROL of the ring NIC.</summary>
[Flags]
public enum NicControl : uint
{
    /// <summary>Both engines are off.</summary>
    None = 0,

    /// <summary>[0] RX_ENABLE: frames from the link are stored. Heads and tails start from zero after RESET only.</summary>
    Receive = 1 << 0,

    /// <summary>[1] TX_ENABLE: frames from memory are sent.</summary>
    Transmit = 1 << 1,

    /// <summary>[2] LOOPBACK: what is sent goes to the receiver and not to the link, and nothing is taken from the link.</summary>
    Loopback = 1 << 2,

    /// <summary>[31] RESET, reads zero: every register gets its reset value.</summary>
    Reset = 1u << 31,
}
