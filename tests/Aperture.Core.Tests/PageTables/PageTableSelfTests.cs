using System.Numerics;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables;

/// <summary>What every table must do with each of its page sizes: the sequence of steps that page-table libraries test themselves with,
/// with splits that are exact and refusals that change nothing.</summary>
public abstract class PageTableSelfTests<TFormat, TKind> : IDisposable
    where TFormat : struct, IPageTableFormat
    where TKind : TableKind<TFormat>, new()
{
    private readonly TestMachine _machine = new();
    private readonly TFormat _format;
    private readonly PageTable<TFormat> _table;
    private readonly List<int> _shifts = []; // log2 of the page sizes, ascending
    private readonly long _before;
    private InvalidationGather _gather;

    protected PageTableSelfTests()
    {
        _format = new TKind().NewFormat(_machine);
        _before = _machine.Tables.BytesInUse;
        _table = new PageTable<TFormat>(_format, _machine.Tables);
        for (var sizes = _format.PageSizes; sizes != 0; sizes &= sizes - 1)
            _shifts.Add(BitOperations.TrailingZeroCount(sizes));
    }

    private ulong Smallest => 1UL << _shifts[0];

    /// <summary>Places so far apart that the largest page fits into each; as many as there are sizes.</summary>
    private ulong Place(int index) => _format.InputStart + ((ulong)index << _shifts[^1]);

    public void Dispose()
    {
        _table.Dispose();
        Assert.Equal(_before, _machine.Tables.BytesInUse);
        _machine.Dispose();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Memory_of_tables_that_went_may_serve_another_address_space(int shift)
    {
        // All that one table of the smallest pages covers, which goes with one call; page by page it would stay in some formats.
        var level = _format.LevelOfPage(_shifts[0]);
        var pages = 1UL << _format.IndexBits(level);
        var address = new PhysicalAddress(Smallest);
        for (ulong page = 0; page < pages; page++)
            Assert.Equal(Status.Ok,
                _table.Map(new Iova(Place(0) + (page * Smallest)), address, Smallest, Protection.ReadWrite, ref _gather));
        Assert.Equal(pages * Smallest, Unmap(Place(0), pages * Smallest));

        // Tables of the other levels come to lie where the table of the smallest pages was.
        var taken = new PhysicalAddress[shift];
        for (var i = 0; i < shift; i++)
            Assert.True(_machine.Tables.TryAllocate(4096, 4096, 32, out taken[i]));
        using (var other = new PageTable<TFormat>(_format, _machine.Tables))
        {
            Assert.Equal(Status.Ok, other.Map(new Iova(Place(1)), address, Smallest, Protection.ReadWrite, ref _gather));
            var mapped = other.EnumerateMappings().ToArray();
            Assert.Equal(Status.Ok, _table.Map(new Iova(Place(0)), address + Smallest, Smallest, Protection.ReadWrite, ref _gather));
            Assert.Equal(mapped, other.EnumerateMappings());
            Assert.True(_table.TryTranslate(new Iova(Place(0)), out var found));
            Assert.Equal(address + Smallest, found.Address);
            Assert.False(_table.TryTranslate(new Iova(Place(1)), out _));
        }

        foreach (var table in taken)
            _machine.Tables.Free(table, 4096);
    }

    /// <summary>All but the last page of a table, all but the first, exactly all, and all with a page on each side.</summary>
    [Fact]
    public void A_table_goes_with_an_unmap_of_all_that_it_covers_and_of_no_less()
    {
        var level = _format.LevelOfPage(_shifts[0]);
        var pages = 1UL << _format.IndexBits(level);
        var start = Place(0) + (pages * Smallest); // with a table on each side
        var goesWithAll = _format.Reclaim == TableReclaim.WhenEmpty
            || (_format.Reclaim == TableReclaim.WithRange && (_format.PageSizes >> _format.Shift(level - 1) & 1) != 0);
        foreach (var (skipped, left) in new (long, long)[] { (0, 1), (1, 0), (0, 0), (-1, -1) })
        {
            for (var page = 0UL; page < 3 * pages; page++)
            {
                var at = start + ((page - pages) * Smallest);
                if (!_table.TryTranslate(new Iova(at), out _))
                    Assert.Equal(Status.Ok, _table.Map(new Iova(at), new PhysicalAddress(0), Smallest, Protection.ReadWrite, ref _gather));
            }

            var tables = _table.CountTables().Tables;
            var from = start + ((ulong)skipped * Smallest);
            var size = (ulong)((long)pages - skipped - left) * Smallest;
            Assert.Equal(size, Unmap(from, size));
            _table.FreeGathered(ref _gather);
            var gone = goesWithAll && skipped <= 0 && left <= 0 ? 1 : 0;
            Assert.Equal(gone, tables - _table.CountTables().Tables);
        }
    }

    [Fact]
    public void Each_page_size_is_mapped_refused_split_remapped_and_removed()
    {
        for (var i = 0; i < _shifts.Count; i++)
            Assert.False(_table.TryTranslate(new Iova(Place(i) + 42), out _));

        for (var i = 0; i < _shifts.Count; i++)
        {
            var size = 1UL << _shifts[i];
            Assert.Equal(Status.Ok, Map(Place(i), size, size, Protection.ReadWrite | Protection.NoExecute | Protection.Cache));
            Assert.Equal(Status.AlreadyExists, Map(Place(i), 0, size, Protection.Read | Protection.NoExecute));
            AssertLeads(Place(i) + 42, size + 42);
            Assert.Single(_table.EnumerateMappings(), mapping => mapping.PageShift == _shifts[i]);
        }

        for (var i = 1; i < _shifts.Count; i++)
        {
            var (size, hole) = (1UL << _shifts[i], Place(i) + Smallest);
            Assert.Equal(Smallest, Unmap(hole, Smallest));
            Assert.False(_table.TryTranslate(new Iova(hole + 42), out _));
            AssertLeads(Place(i) + 42, size + 42);
            if (size > 2 * Smallest)
                AssertLeads(Place(i) + size - 1, size + size - 1);
            Assert.Equal(Status.AlreadyExists, Map(Place(i), 0, size, Protection.ReadWrite));
            Assert.Equal(Status.Ok, Map(hole, Smallest, Smallest, Protection.Read));
            AssertLeads(hole + 42, Smallest + 42);
        }

        for (var i = 0; i < _shifts.Count; i++)
        {
            var size = 1UL << _shifts[i];
            Assert.Equal(size, Unmap(Place(i), size));
            Assert.False(_table.TryTranslate(new Iova(Place(i) + 42), out _));
            Assert.False(_table.TryTranslate(new Iova(Place(i) + size - 1), out _));
            Assert.Equal(Status.Ok, Map(Place(i), size, size, Protection.Write));
            AssertLeads(Place(i) + 42, size + 42);
            Assert.Equal(_shifts[i], _table.EnumerateMappings().Single(mapping => mapping.Page.Value == Place(i)).PageShift);
            Assert.Equal(size, Unmap(Place(i), size));
        }

        Assert.Empty(_table.EnumerateMappings());
    }

    [Fact]
    public void A_large_page_takes_the_place_of_each_smaller_size_that_went()
    {
        const int largest = 34; // filling more takes long
        var replaced = 0;
        for (var i = 1; i < _shifts.Count && _shifts[i] <= largest; i++)
        {
            var size = 1UL << _shifts[i];
            var (small, piece) = (_shifts[i - 1], 1UL << _shifts[i - 1]);
            for (ulong at = 0; at < size; at += piece)
                Assert.Equal(Status.Ok, Map(Place(0) + at, size + at, piece, Protection.ReadWrite));
            Assert.Equal((int)(size / piece), _table.EnumerateMappings().Count(mapping => mapping.PageShift == small));
            AssertLeads(Place(0) + size - 1, size + size - 1);
            Assert.Equal(size / 2, Unmap(Place(0), size / 2));
            for (var at = size / 2; at < size; at += piece)
                Assert.Equal(piece, Unmap(Place(0) + at, piece));

            Assert.Equal(Status.Ok, Map(Place(0), size, size, Protection.ReadWrite));
            Assert.Equal(_shifts[i], Assert.Single(_table.EnumerateMappings()).PageShift);
            Assert.Equal(size, Unmap(Place(0), size));
            replaced++;
        }

        Assert.Equal(_shifts.Skip(1).Count(shift => shift <= largest), replaced);
    }

    [Fact]
    public void Each_part_of_each_page_can_go_alone()
    {
        var random = new Random(7);
        for (var i = 1; i < _shifts.Count; i++)
        {
            for (var k = 0; k < 8; k++)
            {
                var (size, pages) = (1UL << _shifts[i], 1L << (_shifts[i] - _shifts[0]));
                var from = (ulong)random.NextInt64(pages) << _shifts[0];
                var length = (ulong)random.NextInt64(1, Math.Min(pages - (long)(from >> _shifts[0]), 1 << 20) + 1) << _shifts[0];
                Assert.Equal(Status.Ok, Map(Place(0), size, size, Protection.ReadWrite));
                Assert.Equal(length, Unmap(Place(0) + from, length));
                ulong left = 0;
                foreach (var mapping in _table.EnumerateMappings())
                {
                    var (start, end) = (mapping.Page.Value - Place(0), mapping.Page.Value - Place(0) + (1UL << mapping.PageShift));
                    Assert.True(end <= from || start >= from + length);
                    Assert.Equal(size + start, mapping.Address.Value);
                    left += end - start;
                }

                Assert.Equal(size - length, left);
                Assert.Equal(from, Unmap(Place(0), size));
                Assert.Equal(size - from - length, Unmap(Place(0) + from + length, size - from - length));
            }
        }

        Assert.Empty(_table.EnumerateMappings());
    }

    [Fact]
    public void The_first_and_the_last_page_of_both_spaces_can_be_mapped()
    {
        var (first, last) = (_format.InputStart, (_format.InputStart | (ulong.MaxValue >> (64 - _format.InputBits))) - (Smallest - 1));
        var top = (ulong.MaxValue >> (64 - _format.OutputBits)) - (Smallest - 1);
        Assert.Equal(Status.Ok, Map(first, top, Smallest, Protection.ReadWrite));
        Assert.Equal(Status.Ok, Map(last, 0, Smallest, Protection.ReadWrite));
        AssertLeads(first + (Smallest - 1), top + (Smallest - 1));
        AssertLeads(last + (Smallest - 1), Smallest - 1);
        Assert.Equal([first, last], _table.EnumerateMappings().Select(mapping => mapping.Page.Value));
        Assert.Equal(Status.OutOfRange, Map(last, 0, 2 * Smallest, Protection.ReadWrite));
        Assert.Equal(Status.OutOfRange, Map(first + Smallest, top, 2 * Smallest, Protection.ReadWrite));
        Assert.Equal(Smallest, Unmap(first, Smallest));
        Assert.Equal(Smallest, Unmap(last, Smallest));
    }

    /// <summary>A defect that another implementation had once.</summary>
    [Fact]
    public void A_range_across_the_end_of_a_large_page_with_an_odd_offset()
    {
        // Its addresses, as far as a format has such bits (half a space of the smallest) and such pages.
        var start = _format.InputStart + (0xFEF8_0000 & ((1UL << (_format.InputBits - 1)) - 1) & ~(Smallest - 1));
        var address = 0x20_8B95_D000 & ((1UL << _format.OutputBits) - 1) & ~(Smallest - 1);
        var bytes = 32 * Smallest;
        Assert.Equal(Status.Ok, Map(start, address, bytes, Protection.ReadWrite));
        for (ulong at = 0; at < bytes; at += Smallest)
            AssertLeads(start + at, address + at);
        Assert.Equal(bytes, Unmap(start, bytes));
    }

    private Status Map(ulong iova, ulong pa, ulong size, Protection protection)
    {
        var status = _table.Map(new Iova(iova), new PhysicalAddress(pa), size, protection, ref _gather);
        Commit();
        return status;
    }

    private ulong Unmap(ulong iova, ulong size)
    {
        Assert.Equal(Status.Ok, _table.Unmap(new Iova(iova), size, ref _gather, out var unmapped));
        Commit();
        return unmapped;
    }

    private void Commit()
    {
        _gather.ClearRanges();
        _table.FreeGathered(ref _gather);
    }

    private void AssertLeads(ulong iova, ulong pa)
    {
        Assert.True(_table.TryTranslate(new Iova(iova), out var translation), $"nothing at 0x{iova:x}");
        Assert.Equal(pa, translation.Address.Value);
    }
}

public sealed class OmapSelfTests : PageTableSelfTests<OmapFormat, OmapKind>;

public sealed class ExynosV1SelfTests : PageTableSelfTests<ExynosFormat, ExynosV1Kind>;

public sealed class ExynosV5SelfTests : PageTableSelfTests<ExynosFormat, ExynosV5Kind>;

public sealed class ArmShortSelfTests : PageTableSelfTests<ArmShortFormat, ArmShortKind>;

public sealed class ArmShortUpperSelfTests : PageTableSelfTests<ArmShortFormat, ArmShortUpperKind>;

public sealed class MediaTekSelfTests : PageTableSelfTests<ArmShortFormat, MediaTekKind>;

public sealed class Lpae4KSelfTests : PageTableSelfTests<ArmLpaeFormat, Lpae4KKind>;

public sealed class Lpae4KUpperDirtySelfTests : PageTableSelfTests<ArmLpaeFormat, Lpae4KUpperDirtyKind>;

public sealed class LpaeContiguousSelfTests : PageTableSelfTests<ArmLpaeFormat, LpaeContiguousKind>;

public sealed class LpaeStage2DirtySelfTests : PageTableSelfTests<ArmLpaeFormat, LpaeStage2DirtyKind>;

public sealed class LpaeContiguousDirtySelfTests : PageTableSelfTests<ArmLpaeFormat, LpaeContiguousDirtyKind>;

public sealed class Lpae16KStage2SelfTests : PageTableSelfTests<ArmLpaeFormat, Lpae16KStage2Kind>;

public sealed class Lpae64KSelfTests : PageTableSelfTests<ArmLpaeFormat, Lpae64KKind>;

public sealed class MaliSelfTests : PageTableSelfTests<ArmLpaeFormat, MaliKind>;

public sealed class AmdSelfTests : PageTableSelfTests<AmdV1Format, AmdKind>;

public sealed class AmdGrowingSelfTests : PageTableSelfTests<AmdV1Format, AmdGrowingKind>;

public sealed class TegraSelfTests : PageTableSelfTests<TegraFormat, TegraKind>;

public sealed class DeepSelfTests : PageTableSelfTests<DeepFormat, DeepKind>;
