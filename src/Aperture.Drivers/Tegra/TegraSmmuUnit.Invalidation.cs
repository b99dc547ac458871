using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Core.Threading;
using Aperture.Datasheets.Tegra;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Tegra;

/// <summary>Invalidation: first table words in its PTC, then translations in its TLB. A read makes sure that the writes have
/// arrived.</summary>
public sealed partial class TegraSmmuUnit
{
    private const int MaxFlushes = 64; // single flushes in one go; beyond it flushing more at a time is cheaper

    private uint? _flushHigh; // PTC_FLUSH_HI as written last; null when it may have been lost

    /// <inheritdoc/>
    protected override void Flush(InvalidationTarget target, in InvalidationGather gather)
    {
        ArgumentNullException.ThrowIfNull(target);
        var asid = target.Tag;
        if (asid < 0)
            return;
        var shift = Granule(gather);
        using var registers = _registers.Begin();
        if (shift == 0)
        {
            registers.Write32(TegraMcRegister.TlbFlush, TegraTlbFlush.Asid(Soc, asid).Value);
        }
        else
        {
            foreach (var range in gather.AsSpan())
                FlushRange(registers, asid, range, shift);
        }

        registers.Read32(TegraMcRegister.TableAsid);
    }

    /// <inheritdoc/>
    /// <remarks>A suspended controller translates on for as long as somebody else holds its clock, and its registers answer as
    /// long.</remarks>
    protected override void MissInvalidation(InvalidationTarget target, in InvalidationGather gather)
    {
        if (_gates.AreOn && !NeedsReprogram)
            Flush(target, gather);
    }

    /// <summary>Table words changed in memory, or are of no account any more. When the unit cannot be told, all of it is programmed afresh;
    /// and while that fails, too, each invalidation fails, so that nothing that the old words lead to is used for anything else.</summary>
    internal void InvalidateWords(PhysicalAddress start, int bytes)
    {
        Exception? error = null;
        var status = Status.Ok;
        var thread = ThreadRecord.Current;
        Registers.Enter(thread);
        try
        {
            if (!NeedsReprogram && HasContexts() && (IsActive || _gates.AreOn))
                FlushWords(start.Value, bytes);
        }
        catch (Exception e)
        {
            error = e;
            status = Recover(ref error);
        }

        Registers.Exit(thread);
        if (error is not null)
            Tell(UnitOperation.Invalidate, error, status);
    }

    /// <summary>The granule of the fewest flushes that cover what was gathered: log2 of a group or a section; 0 for the whole address
    /// space.</summary>
    private static int Granule(in InvalidationGather gather)
    {
        if (gather.Count == 0)
            return 0;
        var shift = gather.TablesChanged ? TegraTlbFlush.SectionShift : TegraTlbFlush.GroupShift; // as recorded for links
        if (shift == TegraTlbFlush.GroupShift && Count(gather, shift) > MaxFlushes)
            shift = TegraTlbFlush.SectionShift;
        return shift == TegraTlbFlush.SectionShift && Count(gather, shift) > MaxFlushes ? 0 : shift;
    }

    private static ulong Count(in InvalidationGather gather, int shift)
    {
        ulong count = 0;
        foreach (var range in gather.AsSpan())
            count += (range.Last.Value >> shift) - (range.Start.Value >> shift) + 1;
        return count;
    }

    private void FlushRange(RegisterSequence registers, int asid, in GatheredRange range, int shift)
    {
        for (var granule = range.Start.Value >> shift; granule <= range.Last.Value >> shift; granule++)
        {
            var address = (uint)(granule << shift);
            var flush = shift == TegraTlbFlush.GroupShift ? TegraTlbFlush.Group(
                Soc,
                asid,
                address) : TegraTlbFlush.Section(Soc, asid, address);
            registers.Write32(TegraMcRegister.TlbFlush, flush.Value);
        }
    }

    private void FlushWords(ulong start, int bytes = sizeof(uint))
    {
        var atom = (ulong)Soc.Atom;
        if ((ulong)bytes > MaxFlushes * atom)
        {
            _registers.Write32(TegraMcRegister.PtcFlush, TegraPtcFlush.All.Value);
            return;
        }

        for (var address = start & ~(atom - 1); address <= start + (ulong)(bytes - 1); address += atom)
        {
            SetFlushHigh((uint)(address >> 32));
            _registers.Write32(TegraMcRegister.PtcFlush, TegraPtcFlush.At(address).Value);
        }
    }

    private void SetFlushHigh(uint high)
    {
        if (!Soc.IsWide || high == _flushHigh)
            return;
        _registers.Write32(TegraMcRegister.PtcFlushHigh, high);
        _flushHigh = high;
    }

    private void WaitForWrites() => _registers.Read32(TegraMcRegister.TableAsid);
}
