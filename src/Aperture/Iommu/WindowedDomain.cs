using System.Numerics;
using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Diagnostics;

namespace Aperture.Iommu;

/// <summary>A domain of several windows, each with page sizes and a table of its own: the windows of a TCE unit, or the aperture of a GART,
/// outside of which addresses pass.</summary>
/// <typeparam name="TFormat">The format of the tables; their parameters may differ.</typeparam>
public sealed class WindowedDomain<TFormat> : IommuDomain
    where TFormat : struct, IPageTableFormat
{
    private readonly PageTable<TFormat>[] _tables; // one for each window
    private readonly ApertureWindow[] _windows;    // lowest first
    private readonly DmaTrace? _trace;             // null when nobody listens

    /// <summary>An empty address space.</summary>
    /// <param name="type">What it is for.</param>
    /// <param name="windows">The windows, lowest first, with the format of each one's table. A window without page sizes has its
    /// format's.</param>
    /// <param name="memory">Where the tables live.</param>
    /// <param name="trace">Hears of maps and unmaps.</param>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: no window, windows that are not in order or beyond what
    /// their format can map, that differ in what happens outside, or page sizes that the format does not have;
    /// <see cref="Status.NoMemory"/>: no memory for a root table.</exception>
    public WindowedDomain(
        DomainType type,
        ReadOnlySpan<(ApertureWindow Window, TFormat Format)> windows,
        ITableMemory memory,
        DmaTrace? trace = null)
        : base(type)
    {
        Check(windows);
        _trace = trace;
        _windows = new ApertureWindow[windows.Length];
        _tables = new PageTable<TFormat>[windows.Length];
        try
        {
            for (var i = 0; i < windows.Length; i++)
            {
                _tables[i] = new PageTable<TFormat>(windows[i].Format, memory, windows[i].Window.PageSizes);
                _windows[i] = windows[i].Window with { PageSizes = _tables[i].PageSizes };
            }
        }
        catch
        {
            foreach (var table in _tables)
                table?.Dispose();
            throw;
        }
    }

    /// <summary>The tables, one for each window.</summary>
    public IReadOnlyList<PageTable<TFormat>> Tables => _tables;

    /// <inheritdoc/>
    public override IReadOnlyList<ApertureWindow> Windows => _windows;

    /// <inheritdoc/>
    public override bool IsInWindow(Iova start, ulong size) => Find(start, size) >= 0;

    /// <inheritdoc/>
    public override bool IsPaging => true;

    /// <summary>The page sizes of any window, from the smallest on that all of them have room for: whoever maps such pages need not care
    /// where.</summary>
    public override ulong PageSizes
    {
        get
        {
            ulong all = 0;
            var smallest = 0;
            foreach (var window in _windows)
            {
                all |= window.PageSizes;
                smallest = Math.Max(smallest, BitOperations.TrailingZeroCount(window.PageSizes));
            }

            return all & (ulong.MaxValue << smallest);
        }
    }

    /// <inheritdoc/>
    public override Iova ApertureStart => _windows[0].First;

    /// <inheritdoc/>
    public override Iova ApertureEnd => _windows[^1].Last;

    /// <inheritdoc/>
    /// <remarks><see cref="Status.OutOfRange"/> for a range that does not lie in one window.</remarks>
    public override Status Map(Iova iova, PhysicalAddress address, ulong size, Protection protection)
    {
        if (size == 0)
            return Status.Ok;
        var index = Find(iova, size);
        if (index < 0)
            return Status.OutOfRange;
        var gather = new InvalidationGather();
        var status = _tables[index].Map(iova, address, size, protection, ref gather);
        if (!gather.IsEmpty && Commit(ref gather) is not Status.Ok and var told)
        {
            if (status != Status.Ok)
                return status;
            Unmap(iova, size, ref gather, out _);
            Commit(ref gather);
            return told;
        }

        if (status == Status.Ok)
            _trace?.Map(iova, address, size);
        return status;
    }

    /// <inheritdoc/>
    /// <remarks><see cref="Status.OutOfRange"/> for a range that does not lie in one window. A gather that holds something of another
    /// window is committed first.</remarks>
    public override Status Unmap(Iova iova, ulong size, ref InvalidationGather gather, out ulong unmapped)
    {
        unmapped = 0;
        if (size == 0)
            return Status.Ok;
        var index = Find(iova, size);
        if (index < 0)
            return Status.OutOfRange;

        // Tables of several windows need not be of one size: a gather holds those of one.
        if (gather.Count > 0 && Find(gather.AsSpan()[0].Start, 1) != index && Commit(ref gather) is not Status.Ok and var told)
            return told;
        var status = _tables[index].Unmap(iova, size, ref gather, out unmapped);
        if (status != Status.InvalidArgument)
            _trace?.Unmap(iova, size, unmapped);
        return status;
    }

    /// <inheritdoc/>
    public override Status Commit(ref InvalidationGather gather)
    {
        if (gather.IsEmpty)
            return Status.Ok;
        var status = InvalidateUnits(ref gather);
        if (status != Status.Ok)
            return status;
        FreeTables(ref gather);
        gather.ClearRanges();
        return status;
    }

    /// <inheritdoc/>
    public override bool TryTranslate(Iova iova, out PhysicalAddress address)
    {
        var index = Find(iova, 1);
        if (index < 0)
        {
            address = new PhysicalAddress(iova.Value);
            return _windows[0].Outside == OutsideAccess.Passes;
        }

        var found = _tables[index].TryTranslate(iova, out var translation);
        address = translation.Address;
        return found;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing)
            return;
        WhenInvalidated(() =>
        {
            foreach (var table in _tables)
                table.Dispose();
        });
    }

    /// <inheritdoc/>
    protected override void FreeTables(ref InvalidationGather gather)
    {
        if (gather.Count > 0)
            _tables[Find(gather.AsSpan()[0].Start, 1)].FreeGathered(ref gather);
    }

    private static void Check(ReadOnlySpan<(ApertureWindow Window, TFormat Format)> windows)
    {
        if (windows.IsEmpty)
            throw new ApertureException(Status.InvalidArgument, "a domain needs a window");
        for (var i = 0; i < windows.Length; i++)
        {
            var (window, format) = windows[i];
            var last = format.InputStart | (ulong.MaxValue >> (64 - format.InputBits));
            var isInOrder = window.First <= window.Last && (i == 0 || window.First > windows[i - 1].Window.Last);
            var isInTable = window.First.Value >= format.InputStart && window.Last.Value <= last;
            if (isInOrder && isInTable && window.Outside == windows[0].Window.Outside)
                continue;
            throw new ApertureException(
                Status.InvalidArgument,
                $"the window from {window.First} to {window.Last} is not in order, beyond its table, or unlike the first one outside");
        }
    }

    private int Find(Iova start, ulong size)
    {
        for (var i = 0; i < _windows.Length; i++)
        {
            if (_windows[i].Contains(start, size))
                return i;
        }

        return -1;
    }
}
