namespace Aperture.Datasheets.DmaMaster;

/// <summary>Byte offsets of the registers of the generic DMA master, a block of our own (docs/units/dma-master.md). The
/// registers of 64 bits take one access of 64 bits or two of 32 bits, low half at the lower offset.</summary>
public static class DmaMasterRegisters
{
    /// <summary>Bytes of the register block; a board may give it a larger window, which reads zero behind.</summary>
    public const uint Size = 0x80;

    /// <summary>ID, read-only: <see cref="IdValue"/>.</summary>
    public const uint Id = 0x00;

    /// <summary>VERSION, read-only: [15:8] major, [7:0] minor.</summary>
    public const uint Version = 0x04;

    /// <summary>PORTS, read-only: number of ports to memory, 1 to 256.</summary>
    public const uint Ports = 0x08;

    /// <summary>PORT: [7:0] the port for reads, [15:8] the port for writes.</summary>
    public const uint Port = 0x0C;

    /// <summary>SOURCE, 64 bits: device address that READ, VERIFY and COPY read, or of the list of what they read.</summary>
    public const uint Source = 0x10;

    /// <summary>DESTINATION, 64 bits: device address that FILL and COPY write, or of the list of what they write.</summary>
    public const uint Destination = 0x18;

    /// <summary>LENGTH, 64 bits: bytes of the command, over all descriptors.</summary>
    public const uint Length = 0x20;

    /// <summary>SEED, 64 bits: which pattern FILL writes and VERIFY expects.</summary>
    public const uint Seed = 0x28;

    /// <summary>POSITION, 64 bits: place in the pattern, in bytes, of the command's first byte.</summary>
    public const uint Position = 0x30;

    /// <summary>SOURCE_COUNT: number of descriptors of the list at SOURCE; zero when SOURCE is the data itself.</summary>
    public const uint SourceCount = 0x38;

    /// <summary>DESTINATION_COUNT: number of descriptors of the list at DESTINATION; zero when DESTINATION is the data itself.</summary>
    public const uint DestinationCount = 0x3C;

    /// <summary>COMMAND: writing a <see cref="DmaMasterCommand"/> starts it; ignored while one is busy or stalled. Reads the last
    /// one.</summary>
    public const uint Command = 0x40;

    /// <summary>CONTROL, reads zero: [0] RESUME retries a stalled access, [1] ABORT ends a command that is busy or stalled.</summary>
    public const uint Control = 0x44;

    /// <summary>STATUS, read-only: see <see cref="DmaMasterStatus"/>.</summary>
    public const uint Status = 0x48;

    /// <summary>IRQ_ENABLE: which bits of IRQ_STATUS drive the line; see <see cref="DmaMasterInterrupts"/>.</summary>
    public const uint IrqEnable = 0x4C;

    /// <summary>IRQ_STATUS, write one to clear: see <see cref="DmaMasterInterrupts"/>.</summary>
    public const uint IrqStatus = 0x50;

    /// <summary>DIFFERENCE, read-only: after a mismatch [7:0] the byte expected, [15:8] the byte read.</summary>
    public const uint Difference = 0x54;

    /// <summary>FAULT_ADDRESS, 64 bits, read-only: device address of the access that stalled or failed, or of the first byte that
    /// differs.</summary>
    public const uint FaultAddress = 0x58;

    /// <summary>BYTES_DONE, 64 bits, read-only: bytes that the command has finished.</summary>
    public const uint BytesDone = 0x60;

    /// <summary>CHECKSUM, 64 bits, read-only: of what READ has read; see <see cref="DmaMasterChecksum"/>.</summary>
    public const uint Checksum = 0x68;

    /// <summary>What ID reads: "APDM".</summary>
    public const uint IdValue = 0x4D44_5041;

    /// <summary>What VERSION reads: 1.0.</summary>
    public const uint VersionValue = 0x0100;

    /// <summary>The largest number of descriptors in a list; a larger count ends the command as
    /// <see cref="DmaMasterError.BadCommand"/>.</summary>
    public const uint MaxDescriptors = 1 << 20;

    /// <summary>CONTROL: RESUME.</summary>
    public const uint ControlResume = 1 << 0;

    /// <summary>CONTROL: ABORT.</summary>
    public const uint ControlAbort = 1 << 1;
}
