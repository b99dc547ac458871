using Aperture.Core;
using Aperture.Datasheets.SmmuV3;
using Aperture.Iommu;

namespace Aperture.Drivers.SmmuV3;

/// <summary>Processes of masters: tables of context descriptors.</summary>
public sealed partial class SmmuV3Unit
{
    /// <summary>Puts a process into a domain, which has a context.</summary>
    private Status Enter(SmmuV3Master master, Pasid pasid, IommuDomain next, List<uint>? newStreams, out Exception? error)
    {
        error = null;
        var previous = master.Processes.GetValueOrDefault(pasid);
        var descriptor = ContextOf(next)!.MakeDescriptor(master.Stalls).Words;
        if (master.Table is not { } table)
        {
            // A table with all that belongs into it, before any stream leads there.
            var bits = Math.Clamp(master.Device.Iommu?.PasidBits ?? _identity.SubstreamBits, 1, _identity.SubstreamBits);
            table = SmmuV3ContextTable.TryMake(Core.Tables, bits, _identity.HasTwoLevelContexts, _identity.OutputBits)!;
            if (table is null || !table.TryReach(0, out _) || !table.TryReach(pasid.Value, out _))
            {
                table?.Free();
                return Status.NoMemory;
            }

            table.Write(0, FirstDescriptorOf(master, master.Domain));
            table.Write(pasid.Value, descriptor);
            master.Table = table;
            master.Processes[pasid] = next;
            return Follow(() => Move(master, null, newStreams), out error);
        }

        if (!table.TryReach(pasid.Value, out var isNew))
            return Status.NoMemory;
        master.Processes[pasid] = next;
        return Follow(
            () =>
            {
                if (isNew)
                    DropContexts(master, pasid.Value, leafOnly: false);
                Change(master, pasid.Value, descriptor);
                Forget(previous);
            },
            out error);
    }

    /// <summary>Takes a process out of its domain. With the last one the table goes.</summary>
    private Status Leave(SmmuV3Master master, Pasid pasid, out Exception? error)
    {
        error = null;
        if (!master.Processes.Remove(pasid, out var previous) && !NeedsReprogram)
            return Status.Ok;
        if (master.Processes.Count == 0 && master.Table is { } table)
        {
            _retired.AddRange(table.Blocks);
            master.Table = null;
            return Follow(() => Move(master, previous, null), out error);
        }

        return Follow(
            () =>
            {
                if (master.Table is not null)
                    Change(master, pasid.Value, default);
                DropDeviceTranslations(master, pasid.Value);
                Forget(previous);
            },
            out error);
    }

    /// <summary>The descriptor of what comes without a process.</summary>
    private SmmuV3Words FirstDescriptorOf(SmmuV3Master master, IommuDomain? domain) =>
        ContextOf(domain) is { IsStage2: false } context ? context.MakeDescriptor(master.Stalls).Words : default;

    /// <summary>Changes a descriptor that streams lead to.</summary>
    private void Change(SmmuV3Master master, uint substream, in SmmuV3Words descriptor)
    {
        var (block, offset) = master.Table!.Find(substream);
        var entry = new Entry(this, block, offset, 0, master, substream);
        SmmuV3EntryWriter.Write(ref entry, descriptor, SmmuV3UsedBits.OfContext);
    }

    /// <summary>Makes the unit drop what it knows of a descriptor.</summary>
    private void DropContexts(SmmuV3Master master, uint substream, bool leafOnly)
    {
        foreach (var stream in master.Streams)
            _commands.Add(SmmuV3Command.DropContext(stream.Value, substream, leafOnly));
        _commands.Sync();
    }

    /// <summary>Writes the descriptors of a table afresh that the unit does not read.</summary>
    private void Rewrite(SmmuV3Master master)
    {
        if (master.Table is not { } table)
            return;
        table.Clear();
        table.Write(0, FirstDescriptorOf(master, master.Domain));
        foreach (var (pasid, domain) in master.Processes)
            table.Write(pasid.Value, ContextOf(domain)!.MakeDescriptor(master.Stalls).Words);
    }
}
