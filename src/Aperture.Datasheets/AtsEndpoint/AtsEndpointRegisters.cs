namespace Aperture.Datasheets.AtsEndpoint;

/// <summary>Byte offsets of the registers of the ATS endpoint in its BAR 0: a device of this project (docs/units/ats-endpoint.md). Accesses
/// are of 32 bits, or of 64 at a multiple of 8.</summary>
public static class AtsEndpointRegisters
{
    /// <summary>Bytes of BAR 0.</summary>
    public const uint Size = 0x2_0000;

    /// <summary>Vendor ID of the PCI function.</summary>
    public const ushort Vendor = 0x1234;

    /// <summary>Device ID of the PCI function.</summary>
    public const ushort Device = 0xA75E;

    /// <summary>The <c>compatible</c> string of the PCI function.</summary>
    public const string PciCompatible = "pci1234,a75e";

    /// <summary>Identification, read-only: <see cref="IdentificationValue"/>.</summary>
    public const uint Identification = 0x00;

    /// <summary>What <see cref="Identification"/> reads as: "ATSE".</summary>
    public const uint IdentificationValue = 0x4553_5441;

    /// <summary>How many channels there are, read-only.</summary>
    public const uint Channels = 0x04;

    /// <summary>A bit for each channel whose job has ended; what is written as 1 becomes 0. The line is active while it is not 0.</summary>
    public const uint InterruptStatus = 0x08;

    /// <summary>Accesses by translations that were there, 64 bits, read-only.</summary>
    public const uint Hits = 0x10;

    /// <summary>Translation requests, 64 bits, read-only.</summary>
    public const uint Misses = 0x18;

    /// <summary>Invalidation requests, 64 bits, read-only.</summary>
    public const uint Invalidations = 0x20;

    /// <summary>Page requests, 64 bits, read-only.</summary>
    public const uint PageRequests = 0x28;

    /// <summary>Answers to groups of them, 64 bits, read-only.</summary>
    public const uint Answers = 0x30;

    /// <summary>Answers to groups that nobody waits for, 64 bits, read-only.</summary>
    public const uint UnexpectedAnswers = 0x38;

    /// <summary>Where the registers of channel 0 begin.</summary>
    public const uint FirstChannel = 0x100;

    /// <summary>Bytes from a channel to the next.</summary>
    public const uint ChannelStride = 0x40;

    /// <summary>Of a channel: the device address, 64 bits.</summary>
    public const uint Address = 0x00;

    /// <summary>Of a channel: how many bytes.</summary>
    public const uint Length = 0x08;

    /// <summary>Of a channel: the process in bits 19..0, and <see cref="HasProcess"/>.</summary>
    public const uint Process = 0x0C;

    /// <summary>Of a channel: where the bytes are in the buffer.</summary>
    public const uint BufferOffset = 0x10;

    /// <summary>Of a channel: a write of an <see cref="AtsEndpointCommand"/> starts a job, unless one is going on.</summary>
    public const uint Command = 0x14;

    /// <summary>Of a channel: an <see cref="AtsEndpointResult"/>, read-only.</summary>
    public const uint Result = 0x18;

    /// <summary>Of a channel: bytes that were moved, read-only.</summary>
    public const uint Moved = 0x1C;

    /// <summary>[31] of <see cref="Process"/>: there is one.</summary>
    public const uint HasProcess = 1u << 31;

    /// <summary>Where the buffer begins.</summary>
    public const uint Buffer = 0x1_0000;

    /// <summary>Bytes of the buffer.</summary>
    public const uint BufferSize = Size - Buffer;
}

/// <summary>What a channel of an ATS endpoint does.</summary>
public enum AtsEndpointCommand : uint
{
    /// <summary>Brings bytes from memory into the buffer.</summary>
    Read = 1,

    /// <summary>Brings bytes from the buffer into memory.</summary>
    Write = 2,

    /// <summary>Only has translations for reads brought, and pages with them.</summary>
    Prefetch = 3,

    /// <summary>Says by a stop marker that a process will make no more page requests.</summary>
    Stop = 4,
}

/// <summary>How a job ended.</summary>
public enum AtsEndpointResult : uint
{
    /// <summary>There was none.</summary>
    None,

    /// <summary>It goes on.</summary>
    Busy,

    /// <summary>It ended well.</summary>
    Done,

    /// <summary>Nothing allows the access, and no page was to be had.</summary>
    Refused,

    /// <summary>The device was told to ask for no more pages, or no group is left.</summary>
    Failed,

    /// <summary>The access got nowhere.</summary>
    BusError,

    /// <summary>There is no such job.</summary>
    Invalid,
}
