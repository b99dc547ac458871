using Aperture.Datasheets.Nvme;
using Aperture.Dma;
using Aperture.Dma.Memory;

namespace Aperture.Drivers.Nvme;

/// <summary>A place for one command of a queue; its number is the command's identifier.</summary>
internal sealed class NvmeSlot(ushort id)
{
    /// <summary>CID.</summary>
    public ushort Id { get; } = id;

    /// <summary>The next one in the list in which it is: free ones, or those to issue again.</summary>
    public NvmeSlot? Next;

    /// <summary>The command.</summary>
    public NvmeCommand Command;

    /// <summary>Whether the controller has it.</summary>
    public volatile bool IsInFlight;

    /// <summary>When the controller got it.</summary>
    public long Since;

    /// <summary>How often it was issued again.</summary>
    public int Tries;

    /// <summary>Whether it was late and is to be aborted.</summary>
    public bool IsLate;

    /// <summary>The request of which it does a part; null for admin commands.</summary>
    public NvmeOperation? Operation;

    /// <summary>The part's first block, from the request's first.</summary>
    public ulong Offset;

    /// <summary>The part's blocks.</summary>
    public uint Blocks;

    /// <summary>Whether the command is written and its data are the device's.</summary>
    public bool IsPrepared;

    /// <summary>The caller's memory, where it is mapped.</summary>
    public DmaMapping Mapping;

    /// <summary>Whether it is.</summary>
    public bool IsMapped;

    /// <summary>The driver's own buffer in its stead; null for none.</summary>
    public NvmeBounce? Bounce;

    /// <summary>Coherent memory for a PRP list or a range.</summary>
    public MemoryBlock List;

    /// <summary>Where the device finds it.</summary>
    public ulong ListAddress;

    /// <summary>What an admin command is for.</summary>
    public NvmeAdminUse Use;

    /// <summary>How an admin command ended.</summary>
    public NvmeCompletion Completion;

    /// <summary>Whether an admin command has ended.</summary>
    public volatile bool IsDone;

    /// <summary>Whether it ended because the controller was reset.</summary>
    public volatile bool IsLost;
}
