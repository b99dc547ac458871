using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.SmmuV3;
using Aperture.Iommu;

namespace Aperture.Drivers.SmmuV3;

/// <summary>A domain with tables on one unit: its number, and for stage 1 its context descriptors, to which entries of streams
/// lead.</summary>
/// <param name="domain">The domain.</param>
/// <param name="tables">Its tables.</param>
/// <param name="number">Its address space number (stage 1) or virtual machine number (stage 2).</param>
/// <param name="descriptors">Two context descriptors: for masters that do not stall and for those that do; null for stage 2.</param>
internal sealed class SmmuV3Context(IommuDomain domain, SmmuV3Tables tables, int number, SmmuV3Block? descriptors)
{
    private const int Stage2Tag = 1 << 16;

    /// <summary>The domain.</summary>
    public IommuDomain Domain => domain;

    /// <summary>Its tables.</summary>
    public SmmuV3Tables Tables => tables;

    /// <summary>Its number.</summary>
    public int Number => number;

    /// <summary>Whether its tables are for stage 2.</summary>
    public bool IsStage2 => descriptors is null;

    /// <summary>Its context descriptors; null for stage 2.</summary>
    public SmmuV3Block? Descriptors => descriptors;

    /// <summary>What <see cref="InvalidationTarget.Tag"/> is set to: number and stage.</summary>
    public int Tag => number | (IsStage2 ? Stage2Tag : 0);

    /// <summary>Takes a tag apart.</summary>
    public static (bool IsStage2, uint Number) OfTag(int tag) => ((tag & Stage2Tag) != 0, (uint)tag & 0xFFFF);

    /// <summary>Where a context descriptor lies.</summary>
    /// <param name="stalls">Whether it is that of masters that stall.</param>
    public ulong DescriptorOf(bool stalls) => descriptors!.Address.Value + (stalls ? (uint)SmmuV3Words.Bytes : 0);

    /// <summary>The context descriptor of stage 1.</summary>
    /// <param name="stalls">Whether faults wait for software.</param>
    public SmmuV3ContextDescriptor MakeDescriptor(bool stalls)
    {
        var control = tables.Format.Control;
        var descriptor = new SmmuV3ContextDescriptor
        {
            IsValid = true,
            IsIn64 = true,
            Records = true,
            Aborts = true,
            IsOwnAsid = true,
            Asid = (uint)number,
            Stalls = stalls,
            OutputSize = (uint)control.OutputSize,
            MarksUsed = tables.Format.TracksDirty,
            MarksDirty = tables.Format.TracksDirty,
            MemoryAttributes = ArmLpaeFormat.Mair,
        };
        descriptor.SetControl(
            0, control.Size, control.Granule, control.InnerCache, control.OuterCache, control.Shareability);
        descriptor.SetOff(1, true);
        descriptor.SetTable(0, tables.Root.Value);
        return descriptor;
    }

    /// <summary>Adds stage 2 to a stream's entry.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="stalls">Whether faults wait for software.</param>
    public void Describe(ref SmmuV3StreamEntry entry, bool stalls)
    {
        var control = tables.Format.Control;
        entry.Config = SmmuV3StreamConfig.Stage2;
        entry.Vmid = (uint)number;
        entry.Stage2Control = (uint)(control.Size | (control.StartLevel << 6) | (control.InnerCache << 8) | (control.OuterCache << 10)
            | (control.Shareability << 12) | (control.Granule << 14) | (control.OutputSize << 16));
        entry.IsStage2In64 = true;
        entry.ProtectsTableWalks = true;
        entry.RecordsStage2 = true;
        entry.StallsStage2 = stalls;
        entry.MarksStage2Used = tables.Format.TracksDirty;
        entry.MarksStage2Dirty = tables.Format.TracksDirty;
        entry.Stage2Table = tables.Root.Value;
    }

    /// <summary>Writes the context descriptors.</summary>
    public void Write()
    {
        for (var i = 0; i < 2; i++)
        {
            var words = MakeDescriptor(i != 0).Words;
            for (var word = 0; word < SmmuV3Words.Count; word++)
                descriptors!.Store((i * SmmuV3Words.Bytes) + (word * sizeof(ulong)), words[word]);
        }

        descriptors!.Clean(0, 2 * SmmuV3Words.Bytes);
    }
}
