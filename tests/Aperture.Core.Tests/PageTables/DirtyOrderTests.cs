using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables;

/// <summary>What a walker sees that does not snoop, after marks of written pages were taken.</summary>
public class DirtyOrderTests
{
    [Fact]
    public void Marks_taken_from_an_amd_table_are_cleaned() =>
        Check(new AmdV1Format(3), Protection.ReadWrite | AmdV1Format.Dirty);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Marks_taken_from_long_descriptors_are_cleaned(bool isContiguous) => // a new page counts as written
        Check(new ArmLpaeFormat(new() { InputBits = 32, Contiguous = isContiguous, TracksDirty = true }), Protection.ReadWrite);

    [Fact]
    public void Marks_taken_from_stage_2_are_cleaned() =>
        Check(new ArmLpaeFormat(new() { Kind = ArmLpaeKind.Stage2, InputBits = 32, TracksDirty = true }), Protection.ReadWrite);

    private static void Check<TFormat>(TFormat format, Protection protection)
        where TFormat : struct, IPageTableFormat
    {
        using var machine = new TestMachine(ramBytes: 4 << 20);
        var memory = new RecordingTableMemory(machine);
        using var table = new PageTable<TFormat>(format, memory);
        var gather = new InvalidationGather();
        // one page of the smallest size alone, and what can be pages of several entries
        table.Map(new Iova(0x3000), new PhysicalAddress(0x8000_3000), 0x1000, protection, ref gather);
        table.Map(new Iova(0x1_0000), new PhysicalAddress(0x8001_0000), 0x2_0000, protection, ref gather);
        gather = default;
        foreach (var (start, size, pages) in new[] { (0x3000UL, 0x1000UL, 1), (0x1_0000UL, 0x2_0000UL, 0) })
        {
            memory.Cleaned.Clear();
            var written = new WrittenPages();
            Assert.Equal(Status.Ok, table.ReadDirty(new Iova(start), size, clear: true, ref written, ref gather));
            Assert.True(pages == 0 ? written.List.Count > 0 : written.List.Count == pages);
            Assert.NotEmpty(memory.Cleaned);
            foreach (var (place, bytes) in memory.Cleaned)
                Assert.Equal(machine.Memory.Span(place, bytes), memory.Seen(place, bytes));
            Assert.Equal(size / 0x1000 * (ulong)format.EntryBytes, memory.Cleaned.Aggregate(0UL, (sum, clean) => sum + (ulong)clean.Bytes));
        }
    }
}
