using System.Runtime.InteropServices;

namespace Aperture.Datasheets.Nvme;

/// <summary>Admin commands.</summary>
public enum NvmeAdminOpcode : byte
{
    /// <summary>Ends a submission queue.</summary>
    DeleteSubmissionQueue = 0x00,

    /// <summary>Makes a submission queue.</summary>
    CreateSubmissionQueue = 0x01,

    /// <summary>Reads a log page.</summary>
    GetLogPage = 0x02,

    /// <summary>Ends a completion queue.</summary>
    DeleteCompletionQueue = 0x04,

    /// <summary>Makes a completion queue.</summary>
    CreateCompletionQueue = 0x05,

    /// <summary>Reads what controller and namespaces are.</summary>
    Identify = 0x06,

    /// <summary>Aborts a command.</summary>
    Abort = 0x08,

    /// <summary>Sets a feature.</summary>
    SetFeatures = 0x09,

    /// <summary>Reads a feature.</summary>
    GetFeatures = 0x0A,

    /// <summary>Waits for an event.</summary>
    AsyncEventRequest = 0x0C,
}

/// <summary>Commands of the NVM command set.</summary>
public enum NvmeOpcode : byte
{
    /// <summary>Makes what was written lasting.</summary>
    Flush = 0x00,

    /// <summary>Writes blocks.</summary>
    Write = 0x01,

    /// <summary>Reads blocks.</summary>
    Read = 0x02,

    /// <summary>Compares blocks with memory.</summary>
    Compare = 0x05,

    /// <summary>Makes blocks zero.</summary>
    WriteZeroes = 0x08,

    /// <summary>Says what will be done with blocks, or that they are not needed.</summary>
    DatasetManagement = 0x09,
}

/// <summary>A submission queue entry of 64 bytes. Source: NVM Express 1.4, 4.2.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
public record struct NvmeCommand
{
    /// <summary>Bytes of an entry.</summary>
    public const int Bytes = 64;

    private uint _word0;

    /// <summary>OPC.</summary>
    public byte Opcode
    {
        readonly get => (byte)_word0;
        set => _word0 = (_word0 & ~0xFFu) | value;
    }

    /// <summary>FUSE: 0 for a command of its own.</summary>
    public uint Fused
    {
        readonly get => _word0 >> 8 & 3;
        set => _word0 = (_word0 & ~(3u << 8)) | value << 8;
    }

    /// <summary>PSDT: 0 PRPs, 1 or 2 SGLs.</summary>
    public uint Transfer
    {
        readonly get => _word0 >> 14 & 3;
        set => _word0 = (_word0 & ~(3u << 14)) | value << 14;
    }

    /// <summary>CID.</summary>
    public ushort Id
    {
        readonly get => (ushort)(_word0 >> 16);
        set => _word0 = (_word0 & 0xFFFF) | (uint)value << 16;
    }

    /// <summary>NSID.</summary>
    public uint Namespace { get; set; }

    /// <summary>Reserved, or fields of a command: words 2 and 3.</summary>
    public ulong Words2 { get; set; }

    /// <summary>MPTR.</summary>
    public ulong Metadata { get; set; }

    /// <summary>PRP1, or the first half of an SGL descriptor.</summary>
    public ulong Prp1 { get; set; }

    /// <summary>PRP2, or its second half.</summary>
    public ulong Prp2 { get; set; }

    /// <summary>Word 10.</summary>
    public uint Word10 { get; set; }

    /// <summary>Word 11.</summary>
    public uint Word11 { get; set; }

    /// <summary>Word 12.</summary>
    public uint Word12 { get; set; }

    /// <summary>Word 13.</summary>
    public uint Word13 { get; set; }

    /// <summary>Word 14.</summary>
    public uint Word14 { get; set; }

    /// <summary>Word 15.</summary>
    public uint Word15 { get; set; }

    /// <summary>SLBA of a command of blocks.</summary>
    public ulong FirstBlock
    {
        readonly get => Word10 | (ulong)Word11 << 32;
        set => (Word10, Word11) = ((uint)value, (uint)(value >> 32));
    }

    /// <summary>NLB: blocks of a command, 1 to 65536.</summary>
    public int Blocks
    {
        readonly get => (int)(Word12 & 0xFFFF) + 1;
        set => Word12 = (Word12 & ~0xFFFFu) | (uint)(value - 1);
    }
}

/// <summary>A completion queue entry of 16 bytes. Source: NVM Express 1.4, 4.6.</summary>
/// <param name="Result">Word 0, of the command's own.</param>
/// <param name="Head">SQHD: how far the submission queue was taken.</param>
/// <param name="Queue">SQID.</param>
/// <param name="Id">CID.</param>
/// <param name="StatusField">Status in 15:1, phase in bit 0.</param>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
public readonly record struct NvmeCompletion(uint Result, ushort Head, ushort Queue, ushort Id, ushort StatusField)
{
    /// <summary>Bytes of an entry.</summary>
    public const int Bytes = 16;

    /// <summary>P: changes with every round of the queue.</summary>
    public bool Phase => (StatusField & 1) != 0;

    /// <summary>How the command ended; without "do not retry" and "more".</summary>
    public NvmeStatus Status => (NvmeStatus)(StatusField >> 1 & 0x7FF);

    /// <summary>DNR: it would end so again.</summary>
    public bool IsFinal => StatusField >> 15 != 0;

    /// <summary>The entry's sixteen bytes as two words.</summary>
    public (ulong Low, ulong High) Words => (
        Result, Head | (ulong)Queue << 16 | (ulong)Id << 32 | (ulong)StatusField << 48);

    /// <summary>The entry of two words.</summary>
    public static NvmeCompletion Of(ulong low, ulong high) =>
        new((uint)low, (ushort)high, (ushort)(high >> 16), (ushort)(high >> 32), (ushort)(high >> 48));
}

/// <summary>How a command ended: type in 10:8, code in 7:0. Source: NVM Express 1.4, 4.6.1.</summary>
public enum NvmeStatus
{
    /// <summary>Well.</summary>
    Success = 0x000,

    /// <summary>There is no such command.</summary>
    InvalidOpcode = 0x001,

    /// <summary>A field is out of range.</summary>
    InvalidField = 0x002,

    /// <summary>The identifier is in use.</summary>
    IdConflict = 0x003,

    /// <summary>The data could not be moved.</summary>
    DataTransferError = 0x004,

    /// <summary>Something went wrong inside.</summary>
    InternalError = 0x006,

    /// <summary>It was aborted on request.</summary>
    AbortRequested = 0x007,

    /// <summary>Its submission queue was deleted.</summary>
    AbortedBySubmissionQueueDeletion = 0x008,

    /// <summary>There is no such namespace.</summary>
    InvalidNamespace = 0x00B,

    /// <summary>A command came out of its order.</summary>
    SequenceError = 0x00C,

    /// <summary>A segment of an SGL is malformed.</summary>
    InvalidSglSegment = 0x00D,

    /// <summary>An SGL has too many descriptors or too few.</summary>
    InvalidSglCount = 0x00E,

    /// <summary>An SGL is shorter than the data.</summary>
    SglTooShort = 0x00F,

    /// <summary>An SGL descriptor is of a type that is not known.</summary>
    InvalidSglType = 0x011,

    /// <summary>A PRP has an offset that it cannot have.</summary>
    InvalidPrpOffset = 0x013,

    /// <summary>Blocks beyond the end of the namespace.</summary>
    BlockOutOfRange = 0x080,

    /// <summary>The completion queue does not exist.</summary>
    InvalidCompletionQueue = 0x100,

    /// <summary>The number of a queue is out of range, in use, or of none.</summary>
    InvalidQueueId = 0x101,

    /// <summary>A queue of this size cannot be.</summary>
    InvalidQueueSize = 0x102,

    /// <summary>More commands were to be aborted at once than can be.</summary>
    AbortLimit = 0x103,

    /// <summary>More requests wait for events than can.</summary>
    AsyncEventLimit = 0x105,

    /// <summary>There is no such interrupt vector.</summary>
    InvalidVector = 0x108,

    /// <summary>There is no such log page.</summary>
    InvalidLogPage = 0x109,

    /// <summary>A completion queue is still used.</summary>
    InvalidQueueDeletion = 0x10C,

    /// <summary>The feature cannot be saved.</summary>
    FeatureNotSaveable = 0x10D,

    /// <summary>The feature cannot be changed.</summary>
    FeatureNotChangeable = 0x10E,

    /// <summary>Blocks could not be written.</summary>
    WriteFault = 0x280,

    /// <summary>Blocks could not be read.</summary>
    UnrecoveredRead = 0x281,

    /// <summary>The blocks are not what the memory holds.</summary>
    CompareFailure = 0x285,
}

/// <summary>Features of Get and Set Features.</summary>
public enum NvmeFeature : byte
{
    /// <summary>How queues take turns.</summary>
    Arbitration = 0x01,

    /// <summary>The power state.</summary>
    PowerManagement = 0x02,

    /// <summary>At which temperature an event comes.</summary>
    TemperatureThreshold = 0x04,

    /// <summary>How long reads are tried.</summary>
    ErrorRecovery = 0x05,

    /// <summary>Whether writes may be kept in a cache.</summary>
    WriteCache = 0x06,

    /// <summary>How many queues there may be.</summary>
    NumberOfQueues = 0x07,

    /// <summary>How interrupts are gathered.</summary>
    InterruptCoalescing = 0x08,

    /// <summary>The same for one vector.</summary>
    VectorConfiguration = 0x09,

    /// <summary>Whether writes are atomic beyond power failures only.</summary>
    WriteAtomicity = 0x0A,

    /// <summary>Which events are told.</summary>
    AsyncEvents = 0x0B,
}

/// <summary>An SGL descriptor of 16 bytes. Source: NVM Express 1.4, 4.4.</summary>
/// <param name="Low">The address, or for a keyed one its own.</param>
/// <param name="High">Length in 31:0, type in 63:60, sub type in 59:56.</param>
public readonly record struct NvmeSglDescriptor(ulong Low, ulong High)
{
    /// <summary>Bytes of a descriptor.</summary>
    public const int Bytes = 16;

    /// <summary>The types: bits 63:60.</summary>
    public const uint DataBlock = 0, BitBucket = 1, Segment = 2, LastSegment = 3;

    /// <summary>A descriptor.</summary>
    public static NvmeSglDescriptor Of(uint type, ulong address, uint length) => new(address, length | (ulong)type << 60);

    /// <summary>The first byte of the data or of the next segment.</summary>
    public ulong Address => Low;

    /// <summary>Bytes.</summary>
    public uint Length => (uint)High;

    /// <summary>The type.</summary>
    public uint Type => (uint)(High >> 60);

    /// <summary>The sub type; 0 for an address.</summary>
    public uint SubType => (uint)(High >> 56) & 0xF;
}
