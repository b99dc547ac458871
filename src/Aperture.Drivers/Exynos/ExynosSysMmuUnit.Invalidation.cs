using Aperture.Core.PageTables;
using Aperture.Datasheets.Exynos;

namespace Aperture.Drivers.Exynos;

/// <summary>What makes the unit forget: its TLB, and from version 3.2 on its cache of first-level descriptors. The unit has to be
/// held back meanwhile, and says when it is.</summary>
public sealed partial class ExynosSysMmuUnit
{
    /// <summary>How often the unit is asked whether it is held back before the driver goes on without (recorded driver behaviour).</summary>
    public const int BlockPolls = 120;

    private const int MaxEntries = 64; // single invalidations in one go; beyond it forgetting everything is cheaper

    private bool _blockTimedOut; // the flush that follows goes to a unit that may not be held back
    private bool _owesFlush;     // the last flush went to a unit that was not held back: the next one covers everything

    /// <summary>How often the unit did not say that it is held back.</summary>
    public ulong BlockTimeouts { get; private set; }

    /// <inheritdoc/>
    protected override void Forget(in InvalidationGather gather)
    {
        // Only a cached first-level descriptor can be stale because of a link, and the caches that exist forget it surely by a
        // flush of everything: version 5 knows no other way, and a gather does not say where the link is.
        var flushesAll = gather.TablesChanged && Identity.Config.UsesFlpdCache;
        ulong entries = 0;
        foreach (var range in gather.AsSpan())
            entries += EntriesOf(range);
        if (entries == 0 && !flushesAll && !_owesFlush)
            return;

        BeginAccess();
        try
        {
            if (!TryBlock() || flushesAll || _owesFlush || entries > MaxEntries)
                FlushAll();
            else
                FlushRanges(gather);
            _registers.Write32(SysMmuRegister.Control, _running.Value);
        }
        finally
        {
            EndAccess();
        }
    }

    /// <summary>Asks the unit to hold all accesses back.</summary>
    /// <returns>False when it did not say that it does. It is asked to all the same, and the caller invalidates everything, now and once more
    /// with the next invalidation: it may have done nothing on a unit at work.</returns>
    private bool TryBlock()
    {
        _registers.Write32(SysMmuRegister.Control, _running.Value | SysMmuControl.BlockBit);
        for (var poll = 0; poll < BlockPolls; poll++)
        {
            if ((_registers.Read32(SysMmuRegister.Status) & SysMmuRegister.StatusBlocked) != 0)
                return true;
        }

        BlockTimeouts++;
        _blockTimedOut = true;
        return false;
    }

    private void FlushAll()
    {
        _registers.Write32(_map.Flush, SysMmuFlushEntry.TriggerBit);
        _owesFlush = _blockTimedOut;
        _blockTimedOut = false;
    }

    private void FlushRanges(in InvalidationGather gather)
    {
        foreach (var range in gather.AsSpan())
        {
            // Version 2 spreads a page over its sets; elsewhere one address takes the whole page out.
            var sets = SetsOf(range.PageShift);
            var page = (uint)range.Start.Value;
            for (var left = range.Pages; left > 0; left--)
            {
                for (uint set = 0; set < sets; set++)
                    _registers.Write32(_map.FlushEntry, SysMmuFlushEntry.For(page + (set << 12)).Value);
                page += 1u << range.PageShift;
            }
        }
    }

    private ulong EntriesOf(in GatheredRange range) => range.Pages * SetsOf(range.PageShift);

    /// <summary>In how many sets of version 2's TLB a page may sit: one per 4 KiB, at most 64.</summary>
    private ulong SetsOf(int pageShift) => Identity.Version.Major == 2 ? Math.Min(1UL << (pageShift - 12), 64) : 1;
}
