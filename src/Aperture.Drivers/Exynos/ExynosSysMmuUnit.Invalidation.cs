using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Datasheets.Exynos;
using Aperture.Devices;

namespace Aperture.Drivers.Exynos;

/// <summary>Invalidation of the TLB, and from version 3.2 on of the cache of first-level descriptors. The unit has to be
/// stalled meanwhile, and says when it is.</summary>
public sealed partial class ExynosSysMmuUnit
{
    /// <summary>How often the unit is asked whether it is stalled before the driver gives up (recorded driver behaviour: before it goes on
    /// without; see <see cref="ExynosDriverOptions.FlushesUnstalled"/>).</summary>
    public const int BlockPolls = 120;

    private const int MaxWrites = 64; // of addresses in one go; beyond it everything at once is cheaper
    private const int RangeWrites = 3; // a range from its first page to its last, where the unit has ranges

    private bool _owesFlush; // the last flush went to a unit that may not have been stalled: this one covers everything
    private bool _blockTimedOut; // the flush that follows goes to one: the next one covers everything, too

    /// <summary>How often the unit did not say that it is stalled.</summary>
    public ulong BlockTimeouts { get; private set; }

    /// <inheritdoc/>
    protected override void Flush(in InvalidationGather gather)
    {
        // Only a cached first-level descriptor can be stale because of a link, and the caches that exist drop it surely by a
        // flush of everything: version 5 knows no other way, and a gather does not say where the link is.
        var flushesAll = gather.TablesChanged && Identity.Config.UsesFlpdCache;
        ulong writes = 0;
        foreach (var range in gather.AsSpan())
            writes += WritesOf(range);
        if (writes == 0 && !flushesAll && !_owesFlush)
            return;

        BeginAccess();
        try
        {
            using var registers = _registers.Begin();
            Block(registers);
            if (flushesAll || _owesFlush || writes > MaxWrites)
                FlushAll(registers);
            else
                FlushRanges(registers, gather);
            registers.Write32(SysMmuRegister.Control, _running.Value);
        }
        finally
        {
            EndAccess();
        }
    }

    /// <summary>Makes the unit stall all accesses.</summary>
    /// <exception cref="ApertureException"><see cref="Status.TimedOut"/>: it does not say that it does; a flush may do nothing on a unit at
    /// work.</exception>
    private void Block(RegisterSequence registers)
    {
        registers.Write32(SysMmuRegister.Control, (_running.IsEnabled ? _running : SysMmuControl.Running).Value | SysMmuControl.BlockBit);
        for (var poll = 0; poll < BlockPolls; poll++)
        {
            if ((registers.Read32(SysMmuRegister.Status) & SysMmuRegister.StatusBlocked) != 0)
                return;
        }

        MissBlock();
    }

    private void MissBlock()
    {
        BlockTimeouts++;
        (_owesFlush, _blockTimedOut) = (true, true);
        if (!_options.FlushesUnstalled)
            throw new ApertureException(Status.TimedOut, $"{Name} does not stall: STATUS says so in none of {BlockPolls} reads");
    }

    private void FlushAll(RegisterSequence registers)
    {
        registers.Write32(_map.Flush, SysMmuFlushEntry.TriggerBit);
        _owesFlush = _blockTimedOut;
        _blockTimedOut = false;
    }

    private void FlushRanges(RegisterSequence registers, in InvalidationGather gather)
    {
        foreach (var range in gather.AsSpan())
        {
            // Version 2 spreads a page over its sets; elsewhere one address takes the whole page out.
            var sets = (uint)SetsOf(range.PageShift);
            if (range.Pages == 1 && sets == 1)
                registers.Write32(_map.FlushEntry, SysMmuFlushEntry.For((uint)range.Start.Value).Value);
            else if (IsForRange(range))
                FlushRange(registers, (uint)range.Start.Value, (uint)range.Last.Value);
            else
                FlushPages(registers, _map.FlushEntry, (uint)range.Start.Value, range.Pages, 1u << range.PageShift, sets);
        }
    }

    // A method of its own: nearly all calls are for one page, and the compiler learns from them.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FlushPages(RegisterSequence registers, uint register, uint page, ulong pages, uint step, uint sets)
    {
        for (; pages > 0; pages--)
        {
            for (uint set = 0; set < sets; set++)
                registers.Write32(register, SysMmuFlushEntry.For(page + (set << 12)).Value);
            page += step;
        }
    }

    private void FlushRange(RegisterSequence registers, uint first, uint last)
    {
        registers.Write32(_map.FlushRangeStart, first);
        registers.Write32(_map.FlushRangeEnd, last);
        registers.Write32(_map.FlushRange, SysMmuFlushEntry.TriggerBit);
    }

    private ulong WritesOf(in GatheredRange range) => IsForRange(range) ? RangeWrites : range.Pages * SetsOf(range.PageShift);

    private bool IsForRange(in GatheredRange range) => range.Pages > RangeWrites && _options.FlushesRanges && Identity.Version.Major >= 5;

    /// <summary>In how many sets of version 2's TLB a page may sit: one per 4 KiB, at most 64.</summary>
    private ulong SetsOf(int pageShift) => Identity.Version.Major == 2 ? Math.Min(1UL << (pageShift - 12), 64) : 1;
}
