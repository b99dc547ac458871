namespace Aperture.Datasheets.Nvme;

/// <summary>Byte offsets of the registers of an NVMe controller. Source: NVM Express 1.4, 3.1.</summary>
public static class NvmeRegister
{
    /// <summary>CAP, 64 bits, read only: <see cref="NvmeCapabilities"/>.</summary>
    public const uint Capabilities = 0x00;

    /// <summary>VS, read only: major version in 31:16, minor in 15:8.</summary>
    public const uint Version = 0x08;

    /// <summary>INTMS: ones mask the pin's causes.</summary>
    public const uint MaskSet = 0x0C;

    /// <summary>INTMC: ones unmask them.</summary>
    public const uint MaskClear = 0x10;

    /// <summary>CC: <see cref="NvmeConfiguration"/>.</summary>
    public const uint Configuration = 0x14;

    /// <summary>CSTS, read only: <see cref="NvmeControllerStatus"/>.</summary>
    public const uint Status = 0x1C;

    /// <summary>AQA: entries of the admin queues less one, submission in 11:0, completion in 27:16.</summary>
    public const uint AdminQueueAttributes = 0x24;

    /// <summary>ASQ, 64 bits: the admin submission queue, a multiple of 4096.</summary>
    public const uint AdminSubmissionQueue = 0x28;

    /// <summary>ACQ, 64 bits: the admin completion queue, a multiple of 4096.</summary>
    public const uint AdminCompletionQueue = 0x30;

    /// <summary>Class, subclass and interface of the PCI function: mass storage, non-volatile memory, NVM Express. Source: NVM Express 1.4,
    /// 2.1.5.</summary>
    public const uint PciClass = 0x010802;

    /// <summary>The <c>compatible</c> string of every such function, as the Open Firmware PCI binding forms it from the class.</summary>
    public const string PciCompatible = "pciclass,010802";

    /// <summary>The first doorbell.</summary>
    public const uint Doorbells = 0x1000;

    /// <summary>VS of 1.4.</summary>
    public const uint Version14 = 0x0001_0400;

    /// <summary>The doorbell of a submission queue's tail, with a stride of 4 bytes.</summary>
    /// <param name="queue">0 for the admin queue.</param>
    public static uint SubmissionTail(int queue) => Doorbells + ((uint)queue * 8);

    /// <summary>The doorbell of a completion queue's head.</summary>
    /// <param name="queue">0 for the admin queue.</param>
    public static uint CompletionHead(int queue) => Doorbells + ((uint)queue * 8) + 4;
}

/// <summary>CAP.</summary>
/// <remarks><code>
/// 55 52  | 51 48  | 37 NVM | 35 32 | 31 24 | 16  | 15 0 |
/// MPSMAX | MPSMIN | CSS    | DSTRD | TO    | CQR | MQES |
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct NvmeCapabilities(ulong Value)
{
    /// <summary>The register of a controller of the NVM command set with contiguous queues and doorbells of 4 bytes each.</summary>
    /// <param name="mostEntries">Most entries of a queue, 2 to 65536.</param>
    /// <param name="timeout">TO, in units of 500 ms.</param>
    /// <param name="largestPageShift">Log2 of the largest page, 12 to 27; the smallest is 4096.</param>
    public static NvmeCapabilities Of(int mostEntries, byte timeout, int largestPageShift) =>
        new((uint)(mostEntries - 1) | 1UL << 16 | (ulong)timeout << 24 | 1UL << 37 | (ulong)(largestPageShift - 12) << 52);

    /// <summary>Most entries of a queue.</summary>
    public int MostEntries => (int)(Value & 0xFFFF) + 1;

    /// <summary>How long it may take to become ready or to stop.</summary>
    public TimeSpan Timeout => TimeSpan.FromMilliseconds(500 * (double)(Value >> 24 & 0xFF));

    /// <summary>Log2 of the bytes from one doorbell to the next.</summary>
    public int DoorbellShift => 2 + (int)(Value >> 32 & 0xF);

    /// <summary>Whether it has the NVM command set.</summary>
    public bool HasNvm => (Value >> 37 & 1) != 0;

    /// <summary>Log2 of the smallest page.</summary>
    public int SmallestPageShift => 12 + (int)(Value >> 48 & 0xF);

    /// <summary>Log2 of the largest page.</summary>
    public int LargestPageShift => 12 + (int)(Value >> 52 & 0xF);
}

/// <summary>CC.</summary>
/// <remarks><code>
/// 23 20  | 19 16  | 15 14 | 13 11 | 10 7 | 6 4 | 0  |
/// IOCQES | IOSQES | SHN   | AMS   | MPS  | CSS | EN |
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct NvmeConfiguration(uint Value)
{
    /// <summary>EN.</summary>
    public const uint EnableBit = 1;

    /// <summary>SHN: a normal shutdown.</summary>
    public const uint ShutdownBit = 1 << 14;

    /// <summary>The register that enables a controller: entries of 64 and 16 bytes.</summary>
    /// <param name="pageShift">Log2 of a page, from 12 on.</param>
    public static NvmeConfiguration Enable(int pageShift) => new(4u << 20 | 6u << 16 | (uint)(pageShift - 12) << 7 | EnableBit);

    /// <summary>EN.</summary>
    public bool IsEnabled => (Value & EnableBit) != 0;

    /// <summary>CSS; 0 is the NVM command set.</summary>
    public uint CommandSet => Value >> 4 & 7;

    /// <summary>Log2 of a page.</summary>
    public int PageShift => 12 + (int)(Value >> 7 & 0xF);

    /// <summary>SHN: 0 none, 1 normal, 2 abrupt.</summary>
    public uint Shutdown => Value >> 14 & 3;

    /// <summary>Log2 of the bytes of a command.</summary>
    public int SubmissionEntryShift => (int)(Value >> 16 & 0xF);

    /// <summary>Log2 of the bytes of a completion.</summary>
    public int CompletionEntryShift => (int)(Value >> 20 & 0xF);
}

/// <summary>Bits of CSTS.</summary>
[Flags]
public enum NvmeControllerStatus : uint
{
    /// <summary>It is off.</summary>
    None = 0,

    /// <summary>RDY.</summary>
    Ready = 1 << 0,

    /// <summary>CFS: a failure of which only a reset helps.</summary>
    Fatal = 1 << 1,

    /// <summary>SHST at 1: it is shutting down.</summary>
    ShuttingDown = 1 << 2,

    /// <summary>SHST at 2: it is shut down.</summary>
    ShutDown = 2 << 2,
}
