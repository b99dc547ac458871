using System.Numerics;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables.Formats;

/// <summary>What every format must hold: entries that come back as what they were made of.</summary>
public abstract class FormatTests<TFormat, TKind> : IDisposable
    where TFormat : struct, IPageTableFormat
    where TKind : TableKind<TFormat>, new()
{
    private readonly TestMachine _machine = new();
    private readonly TFormat _format;

    protected FormatTests() => _format = new TKind().NewFormat(_machine);

    private IEnumerable<(int Level, int Shift)> Sizes
    {
        get
        {
            for (var sizes = _format.PageSizes; sizes != 0; sizes &= sizes - 1)
            {
                var shift = BitOperations.TrailingZeroCount(sizes);
                yield return (_format.LevelOfPage(shift), shift);
            }
        }
    }

    private ulong EntryMask => _format.EntryBytes == 4 ? uint.MaxValue : ulong.MaxValue;

    public void Dispose()
    {
        _machine.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void Levels_take_the_address_bits_one_after_another()
    {
        for (var level = 1; level < _format.Levels; level++)
            Assert.Equal(_format.Shift(level - 1), _format.Shift(level) + _format.IndexBits(level));
        Assert.True(_format.Shift(0) + _format.IndexBits(0) >= _format.InputBits);
        Assert.Equal(_format.Shift(_format.Levels - 1),
            BitOperations.TrailingZeroCount(_format.PageSizes & ~(ulong)((1 << _format.Shift(_format.Levels - 1)) - 1)));
    }

    [Fact]
    public void A_page_is_smaller_than_a_table_of_its_level_and_not_smaller_than_an_entry()
    {
        Assert.NotEmpty(Sizes);
        Assert.All(Sizes, size =>
        {
            Assert.InRange(size.Level, 0, _format.Levels - 1);
            Assert.InRange(size.Shift, _format.Shift(size.Level), _format.Shift(size.Level) + _format.IndexBits(size.Level));
        });
    }

    [Fact]
    public void Links_come_back_at_each_level()
    {
        Assert.InRange(_format.Levels, 2, 8);
        for (var level = 0; level + 1 < _format.Levels; level++)
        {
            var alignment = (ulong)Math.Max(_format.TableAlignment(level + 1), 1024);
            foreach (var table in new[] { alignment, 0x4000_0000UL, (1UL << _format.TableBits) - alignment })
            {
                var link = _format.MakeTable(level, new PhysicalAddress(table));
                Assert.Equal(link, link & EntryMask);
                Assert.Equal(EntryKind.Table, _format.Classify(level, link));
                Assert.Equal(table, _format.TableAddress(level, link).Value);
            }
        }
    }

    [Fact]
    public void A_table_took_larger_pages_whatever_its_maker_wanted()
    {
        var page = _format.PageSizes & (~_format.PageSizes + 1);
        var window = new TKind().Window(_format);
        for (var sizes = _format.PageSizes; sizes != 0; sizes &= sizes - 1)
        {
            var largest = sizes & (~sizes + 1);
            if (largest > 32 << 20)
                break; // the smallest ones are many enough
            using var table = new PageTable<TFormat>(_format, _machine.Tables, page | largest);
            Assert.Equal(page | largest, table.PageSizes);
            var gather = default(InvalidationGather);
            var bytes = largest * 4;
            Assert.Equal(Status.Ok, table.Map(new Iova(window), default, bytes, Protection.ReadWrite, ref gather));
            Assert.All(table.EnumerateMappings(), mapping => Assert.Equal(largest, 1UL << mapping.PageShift));
            Assert.Equal(Status.Ok, table.Unmap(new Iova(window + page), page, ref gather, out var unmapped));
            Assert.Equal(page, unmapped);
            var left = table.EnumerateMappings().ToArray();
            Assert.All(left, mapping => Assert.NotEqual(0ul, (page | largest) & 1UL << mapping.PageShift));
            Assert.Equal(bytes - page, left.Aggregate(0ul, (sum, mapping) => sum + (1UL << mapping.PageShift)));
            Assert.Equal(Status.Ok, table.Map(new Iova(window + page), new PhysicalAddress(page), page, Protection.ReadWrite, ref gather));
            table.FreeGathered(ref gather);
        }

        var other = page << 1;
        Assert.Equal(Status.InvalidArgument,
            Assert.Throws<ApertureException>(() => new PageTable<TFormat>(_format, _machine.Tables, other)).Status);
        Assert.Equal(
            Status.InvalidArgument,
            Assert.Throws<ApertureException>(() => new PageTable<TFormat>(_format, _machine.Tables, page | 1UL << 63)).Status);
    }

    [Fact]
    public void An_empty_entry_is_empty()
    {
        Assert.InRange(_format.Levels, 1, 8);
        for (var level = 0; level < _format.Levels; level++)
            Assert.Equal(EntryKind.Empty, _format.Classify(level, _format.EmptyEntry(level)));
    }

    [Fact]
    public void Each_entry_of_a_page_of_each_size_says_what_it_maps()
    {
        Assert.NotEmpty(Sizes);
        foreach (var (level, shift) in Sizes)
        {
            var last = (ulong.MaxValue >> (64 - _format.OutputBits)) & (ulong.MaxValue << shift);
            foreach (var page in new ulong[] { 0, 1UL << shift, last })
            {
                var leaf = _format.MakeLeaf(level, shift, new PhysicalAddress(page), Protection.ReadWrite);
                _format.LeafPattern(level, shift, out var mask, out var value);
                var copies = 1 << (shift - _format.Shift(level));
                var step = copies > 1 ? _format.ReplicaStep(level, shift) : 0;
                for (var i = 0; i < copies; i++, leaf += step)
                {
                    Assert.Equal(leaf, leaf & EntryMask);
                    Assert.Equal(EntryKind.Leaf, _format.Classify(level, leaf));
                    Assert.Equal(shift, _format.LeafShift(level, leaf));
                    Assert.Equal(page, _format.LeafAddress(level, leaf).Value);
                    Assert.Equal(value, leaf & mask);
                }
            }
        }
    }

    [Fact]
    public void A_size_is_told_from_the_others_of_its_level()
    {
        Assert.NotEmpty(Sizes);
        foreach (var (level, shift) in Sizes)
        {
            _format.LeafPattern(level, shift, out var mask, out var value);
            Assert.All(Sizes.Where(other => other.Level == level && other.Shift != shift), other =>
                Assert.NotEqual(value, _format.MakeLeaf(level, other.Shift, new PhysicalAddress(0), Protection.ReadWrite) & mask));
        }
    }

    [Fact]
    public void Rights_and_attributes_that_are_read_make_the_same_entry()
    {
        foreach (var (level, shift) in Sizes)
        {
            for (var bits = 0; bits < 64; bits++)
            {
                var protection = (Protection)bits;
                if (_format.CheckProtection(protection) != Status.Ok)
                    continue;
                var page = new PhysicalAddress(1UL << shift);
                var leaf = _format.MakeLeaf(level, shift, page, protection);
                var read = _format.LeafProtection(level, leaf);
                Assert.Equal(leaf, _format.MakeLeaf(level, shift, page, read));
                Assert.Equal(protection & Protection.ReadWrite, read & protection & Protection.ReadWrite);
            }
        }

        Assert.Equal(Status.Ok, _format.CheckProtection(Protection.ReadWrite));
    }

    [Fact]
    public void A_clean_page_stays_clean_whatever_is_made_of_it()
    {
        Assert.NotEmpty(Sizes);
        foreach (var (level, shift) in Sizes)
        {
            var page = new PhysicalAddress(1UL << shift);
            var leaf = _format.MakeLeaf(level, shift, page, Protection.ReadWrite);
            var clean = _format.MakeClean(level, leaf);
            Assert.False(_format.IsDirty(level, clean));
            Assert.Equal(clean, _format.MakeLeaf(level, shift, page, _format.LeafProtection(level, clean)));
            Assert.Equal(Protection.ReadWrite, _format.LeafProtection(level, clean) & Protection.ReadWrite);
        }
    }
}

public sealed class OmapFormatRules : FormatTests<OmapFormat, OmapKind>;

public sealed class ExynosV1FormatRules : FormatTests<ExynosFormat, ExynosV1Kind>;

public sealed class ExynosV5FormatRules : FormatTests<ExynosFormat, ExynosV5Kind>;

public sealed class ArmShortFormatRules : FormatTests<ArmShortFormat, ArmShortKind>;

public sealed class ArmShortUpperFormatRules : FormatTests<ArmShortFormat, ArmShortUpperKind>;

public sealed class MediaTekFormatRules : FormatTests<ArmShortFormat, MediaTekKind>;

public sealed class Lpae4KFormatRules : FormatTests<ArmLpaeFormat, Lpae4KKind>;

public sealed class Lpae4KUpperDirtyFormatRules : FormatTests<ArmLpaeFormat, Lpae4KUpperDirtyKind>;

public sealed class LpaeContiguousFormatRules : FormatTests<ArmLpaeFormat, LpaeContiguousKind>;

public sealed class LpaeStage2DirtyFormatRules : FormatTests<ArmLpaeFormat, LpaeStage2DirtyKind>;

public sealed class LpaeContiguousDirtyFormatRules : FormatTests<ArmLpaeFormat, LpaeContiguousDirtyKind>;

public sealed class Lpae16KStage2FormatRules : FormatTests<ArmLpaeFormat, Lpae16KStage2Kind>;

public sealed class Lpae64KFormatRules : FormatTests<ArmLpaeFormat, Lpae64KKind>;

public sealed class MaliFormatRules : FormatTests<ArmLpaeFormat, MaliKind>;

public sealed class TegraFormatRules : FormatTests<TegraFormat, TegraKind>;

public sealed class AmdFormatRules : FormatTests<AmdV1Format, AmdKind>;
