using Aperture.Core.PageTables;
using Aperture.Datasheets.SmmuV3;
using Aperture.Iommu;

namespace Aperture.Drivers.SmmuV3;

/// <summary>Invalidation. What is not mapped is never cached, so only what was removed counts; where no link changed the unit keeps what
/// it knows of tables.</summary>
public sealed partial class SmmuV3Unit
{
    private const int MostPages4K = 52; // ATC_INV of all

    /// <inheritdoc/>
    protected override void Flush(InvalidationTarget target, in InvalidationGather gather)
    {
        ArgumentNullException.ThrowIfNull(target);
        if (target.Tag < 0)
            return;
        var (isStage2, number) = SmmuV3Context.OfTag(target.Tag);
        if (gather.Count == 1 && gather.AsSpan()[0] is { Pages: 1 } page)
            DropPage(page.Start.Value, isStage2, number, leafOnly: !gather.TablesChanged);
        else
            Drop(target.Domain, gather, isStage2, number);
        if (isStage2)
            DropNested(target.Domain, number);
        _commands.Sync();
        DropDeviceTranslations(target.Domain, gather);
    }

    private void DropPage(ulong address, bool isStage2, uint number, bool leafOnly) => _commands.Add(isStage2
        ? SmmuV3Command.TlbPage(SmmuV3Opcode.TlbIntermediate, number, 0, address, leafOnly)
        : SmmuV3Command.TlbPage(SmmuV3Opcode.TlbAddress, 0, number, address, leafOnly));

    private void Drop(IommuDomain domain, in InvalidationGather gather, bool isStage2, uint number)
    {
        var shift = SmmuV3Tables.GranuleShiftOf(domain);
        if (IsTooMuch(gather, shift))
        {
            DropAll(isStage2, number);
            return;
        }

        foreach (var range in gather.AsSpan())
            Drop(range, isStage2, number, shift, leafOnly: !gather.TablesChanged);
    }

    /// <summary>Whether the whole address space at once takes less.</summary>
    private bool IsTooMuch(in InvalidationGather gather, int shift)
    {
        ulong commands = 0;
        foreach (var range in gather.AsSpan())
            commands += Count(range, shift, out _);
        return gather.Count == 0 || commands > (ulong)_options.MostInvalidations;
    }

    /// <summary>The fewest commands for a range.</summary>
    private ulong Count(in GatheredRange range, int shift, out bool areRanges)
    {
        areRanges = false;
        if (!_identity.HasRanges || range.Pages == 1)
            return range.Pages;
        var pieces = (ulong)SmmuV3Range.Count(((range.Last.Value - range.Start.Value) >> shift) + 1);
        areRanges = pieces < range.Pages;
        return Math.Min(pieces, range.Pages);
    }

    private void Drop(in GatheredRange range, bool isStage2, uint number, int shift, bool leafOnly)
    {
        var address = range.Start.Value;
        Count(range, shift, out var areRanges);
        if (!areRanges)
        {
            for (var left = range.Pages; left > 0; left--, address += 1UL << range.PageShift)
                DropPage(address, isStage2, number, leafOnly);
            return;
        }

        var opcode = isStage2 ? SmmuV3Opcode.TlbIntermediate : SmmuV3Opcode.TlbAddress;
        var (vmid, asid) = isStage2 ? (number, 0u) : (0u, number);

        // No level is named: pages of several sizes may have been removed.
        var pieces = new SmmuV3Range(((range.Last.Value - range.Start.Value) >> shift) + 1);
        var granule = (uint)(shift - 10) / 2;
        while (pieces.TryTake(out var pages, out var scale))
        {
            _commands.Add(SmmuV3Command.TlbRange(opcode, vmid, asid, address, leafOnly, granule, 0, pages, scale));
            address += (ulong)pages << scale << shift;
        }
    }

    private void DropAll(bool isStage2, uint number) => _commands.Add(isStage2
        ? SmmuV3Command.Tlb(SmmuV3Opcode.TlbVirtualMachine, vmid: number)
        : SmmuV3Command.Tlb(SmmuV3Opcode.TlbAsid, asid: number));

    /// <summary>Has devices drop their own translations of what was removed, once the unit gives out no old one.</summary>
    private void DropDeviceTranslations(IommuDomain domain, in InvalidationGather gather)
    {
        if (_devicesWithAts == 0)
            return;
        foreach (var master in _masters)
        {
            if (!master.HasAts)
                continue;
            if (master.Domain == domain)
                DropDeviceTranslations(master, null, gather);
            else if (master.Uses(domain) && master.Domain is SmmuV3NestedDomain)
                DropDeviceTranslations(master, null, default(InvalidationGather)); // by addresses of the guest, which nobody knows
            foreach (var (pasid, own) in master.Processes)
            {
                if (own == domain)
                    DropDeviceTranslations(master, pasid.Value, gather);
            }
        }

        SyncDevices();
    }

    private void DropDeviceTranslations(SmmuV3Master master, uint? substream, in InvalidationGather gather)
    {
        foreach (var stream in master.Streams)
        {
            if (gather.Count == 0)
                _commands.Add(SmmuV3Command.DropAtc(stream.Value, substream, 0, MostPages4K));
            foreach (var range in gather.AsSpan())
            {
                var size = SizeOf(range);
                var start = size >= MostPages4K ? 0 : range.Start.Value & (ulong.MaxValue << (size + 12));
                _commands.Add(SmmuV3Command.DropAtc(stream.Value, substream, start, size));
            }
        }
    }

    /// <summary>Has a device drop all of its own translations, or those of a process.</summary>
    private void DropDeviceTranslations(SmmuV3Master master, uint? substream)
    {
        if (!master.HasAts)
            return;
        foreach (var stream in master.Streams)
            _commands.Add(SmmuV3Command.DropAtc(stream.Value, substream, 0, MostPages4K));
        SyncDevices();
    }

    /// <summary>The smallest aligned power of two of pages of 4 KiB that holds a range, by its logarithm.</summary>
    private static int SizeOf(in GatheredRange range)
    {
        var differing = (range.Start.Value ^ range.Last.Value) >> 12;
        return 64 - (int)ulong.LeadingZeroCount(differing);
    }

    /// <summary>Waits for devices. One that does not answer may use old translations for ever: from then on the unit lets none of them
    /// through.</summary>
    private void SyncDevices()
    {
        try
        {
            _commands.Sync();
        }
        finally
        {
            if (_commands.IsDeviceMute)
            {
                _commands.IsDeviceMute = false;
                GiveUpAts();
            }
        }
    }
}
