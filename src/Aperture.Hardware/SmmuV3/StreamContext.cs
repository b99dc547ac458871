using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.SmmuV3;
using Aperture.Hardware.Translation;
using Aperture.Hardware.Translation.Walking;
using OneStage = Aperture.Hardware.Translation.Walking.TableWalker<Aperture.Core.PageTables.Formats.ArmLpaeFormat,
    Aperture.Hardware.Translation.Walking.BusTableReader>;
using TwoStages = Aperture.Hardware.Translation.Walking.TableWalker<Aperture.Core.PageTables.Formats.ArmLpaeFormat,
    Aperture.Hardware.Translation.Walking.TableWalker<Aperture.Core.PageTables.Formats.ArmLpaeFormat,
        Aperture.Hardware.Translation.Walking.BusTableReader>>;

namespace Aperture.Hardware.SmmuV3;

/// <summary>How accesses of one stream and substream are translated: what its stream table entry and context descriptor said when they
/// were read. Never changes, so that any number of threads may look at it while another one drops it.</summary>
internal sealed class StreamContext
{
    /// <summary>The stream.</summary>
    public required uint Stream { get; init; }

    /// <summary>The substream; null for accesses without one.</summary>
    public required uint? Substream { get; init; }

    /// <summary>What the entry says.</summary>
    public required SmmuV3StreamEntry Entry { get; init; }

    /// <summary>Whether the address goes through stage 1.</summary>
    public bool HasStage1 { get; init; }

    /// <summary>Whether it goes through stage 2.</summary>
    public bool HasStage2 { get; init; }

    /// <summary>The context descriptor, if there is a stage 1.</summary>
    public SmmuV3ContextDescriptor Descriptor { get; init; }

    /// <summary>The number under which the TLB keeps its translations.</summary>
    public uint Tag { get; init; }

    /// <summary>Walkers of stage 1 alone, for both halves of the addresses.</summary>
    public OneStage[] First { get; init; } = [];

    /// <summary>Walkers of both stages, likewise.</summary>
    public TwoStages[] Both { get; init; } = [];

    /// <summary>The walker of stage 2 alone.</summary>
    public OneStage Second { get; init; }

    /// <summary>Of the tables of the last level: log2 of the addresses that one serves, and the level as the format counts; 0 where there
    /// is one level only. Of the first stage that there is, for its lower half.</summary>
    public (int Shift, int Level) LastTables { get; init; }

    /// <summary>The same for the upper half.</summary>
    public (int Shift, int Level) UpperLastTables { get; init; }

    /// <summary>Whether nothing but the address and the rights of a page decides about an access.</summary>
    public bool IsPlain { get; init; }

    /// <summary>Whether the address passes as it is.</summary>
    public bool Passes => !HasStage1 && !HasStage2;

    /// <summary>Whether a page that a walk found counts as not written, so that a write has to mark it. Of two stages the walk says so
    /// for the first only: where the second keeps account, every page that was only read counts as such.</summary>
    public bool IsClean(in WalkResult page, bool isWritten)
    {
        if (isWritten || (page.Protection & Protection.Write) == 0)
            return false;
        var marks = HasStage2 && Entry.MarksStage2Dirty;
        if (marks && HasStage1)
            return true;
        return (marks || (HasStage1 && Descriptor.MarksDirty)) && (page.Protection & ArmLpaeFormat.Clean) != 0;
    }

    /// <summary>What an access wants, as the entry overrides it.</summary>
    public WalkAccess AccessOf(in BusRequest request)
    {
        var access = WalkAccess.Of(request);
        if (IsPlain)
            return access;
        if (Entry.Privilege >= 2)
            access = access with { IsPrivileged = Entry.Privilege == 3 };
        if (Entry.Instruction >= 2 && !request.IsWrite)
            access = access with { IsFetch = Entry.Instruction == 3 };
        return access;
    }

    /// <summary>Which half of the addresses of stage 1 an address lies in, and the address without what its top byte says.</summary>
    public int HalfOf(ref ulong address)
    {
        var half = (int)(address >> 55 & 1);
        if (Descriptor.IgnoresTopByte(half))
            address = (ulong)((long)(address << 8) >> 8);
        return half;
    }
}
