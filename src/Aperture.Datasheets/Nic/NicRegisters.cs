namespace Aperture.Datasheets.Nic;

/// <summary>Byte offsets of the registers of the ring NIC, a network card of our own (docs/units/nic.md). The registers of 64 bits take one
/// access of 64 bits or two of 32 bits, low half at the lower offset.</summary>
/// <remarks>Heads and tails count descriptors from zero and wrap at 2^32; a count's place in its ring is the count modulo the ring's
/// size.</remarks>
public static class NicRegisters
{
    /// <summary>Bytes of the register block.</summary>
    public const uint Size = 0x80;

    /// <summary>ID, read-only: <see cref="IdValue"/>.</summary>
    public const uint Id = 0x00;

    /// <summary>VERSION, read-only: [15:8] major, [7:0] minor.</summary>
    public const uint Version = 0x04;

    /// <summary>CONTROL: see <see cref="NicControl"/>.</summary>
    public const uint Control = 0x08;

    /// <summary>STATUS, read-only: see <see cref="NicStatus"/>.</summary>
    public const uint Status = 0x0C;

    /// <summary>IRQ_ENABLE: which bits of IRQ_STATUS drive the line; see <see cref="NicInterrupts"/>.</summary>
    public const uint IrqEnable = 0x10;

    /// <summary>IRQ_STATUS, write one to clear: see <see cref="NicInterrupts"/>.</summary>
    public const uint IrqStatus = 0x14;

    /// <summary>RX_BASE, 64 bits: device address of the receive ring.</summary>
    public const uint ReceiveBase = 0x18;

    /// <summary>RX_SIZE: descriptors of the receive ring, a power of two from <see cref="MinRing"/> to <see cref="MaxRing"/>.</summary>
    public const uint ReceiveSize = 0x20;

    /// <summary>RX_TAIL: how many receive descriptors software has given.</summary>
    public const uint ReceiveTail = 0x24;

    /// <summary>RX_HEAD, read-only: how many of them are used up.</summary>
    public const uint ReceiveHead = 0x28;

    /// <summary>TX_HEAD, read-only: how many transmit descriptors are done.</summary>
    public const uint TransmitHead = 0x2C;

    /// <summary>TX_BASE, 64 bits: device address of the transmit ring.</summary>
    public const uint TransmitBase = 0x30;

    /// <summary>TX_SIZE: descriptors of the transmit ring, as RX_SIZE.</summary>
    public const uint TransmitSize = 0x38;

    /// <summary>TX_TAIL: how many transmit descriptors software has given. A write starts the transmitter.</summary>
    public const uint TransmitTail = 0x3C;

    /// <summary>FAULT_ADDRESS, 64 bits, read-only: device address of the access that stopped an engine.</summary>
    public const uint FaultAddress = 0x40;

    /// <summary>RX_FRAMES, read-only: frames stored.</summary>
    public const uint Received = 0x48;

    /// <summary>RX_DROPPED, read-only: frames that came while the receiver was on and had no buffer, or none that was long
    /// enough.</summary>
    public const uint Dropped = 0x4C;

    /// <summary>TX_FRAMES, read-only: frames sent.</summary>
    public const uint Sent = 0x50;

    /// <summary>What ID reads: "APNI".</summary>
    public const uint IdValue = 0x494E_5041;

    /// <summary>What VERSION reads: 1.0.</summary>
    public const uint VersionValue = 0x0100;

    /// <summary>The fewest descriptors of a ring.</summary>
    public const uint MinRing = 2;

    /// <summary>The most descriptors of a ring.</summary>
    public const uint MaxRing = 4096;

    /// <summary>The most bytes of a frame.</summary>
    public const int MaxFrame = 2048;
}
