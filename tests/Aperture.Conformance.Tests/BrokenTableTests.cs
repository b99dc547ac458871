using Aperture.Conformance.Tables;
using Aperture.Conformance.Vectors;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;

namespace Aperture.Conformance.Tests;

/// <summary>A page table that forgets something is caught, whatever it forgets.</summary>
public class BrokenTableTests
{
    [Theory]
    [InlineData("v7s/basic_std.jsonl")]
    [InlineData("lpae/basic_s1_4k_48.jsonl")]
    public void A_table_that_is_not_given_back_is_caught(string file) =>
        Check(file, new Broken(file) { Memory = memory => new LossyMemory(memory, frees: false, cleans: true) }, "left at 0x");

    [Theory]
    [InlineData("v7s/basic_std.jsonl")]
    [InlineData("lpae/basic_s1_4k_48.jsonl")]
    public void A_word_that_is_not_cleaned_is_caught(string file) => Check(
        file,
        new Broken(file) { Memory = memory => new LossyMemory(memory, frees: true, cleans: false) },
        "a word that a walker cannot see");

    [Theory]
    [InlineData("v7s/basic_std.jsonl")]
    [InlineData("lpae/basic_s1_4k_48.jsonl")]
    [InlineData("amd/basic_pagesizes.jsonl")]
    public void A_page_that_is_not_gathered_is_caught(string file) =>
        Check(file, new Broken(file) { Table = table => new Forgetful(table) { LosesRanges = true } }, "nothing for 0x");

    [Fact]
    public void A_link_that_is_not_gathered_is_caught() =>
        Check(WholeTable(), new Broken("v7s") { Table = table => new Forgetful(table) { LosesLinks = true } }, "nothing for them");

    /// <summary>A page before the others: no call covers the table, and it stays.</summary>
    [Fact]
    public void An_empty_table_that_stays_is_caught()
    {
        var first = Check(WholeTable(), new Broken("v7s") { Table = table => new Forgetful(table) { KeepsTables = true } }, "0x8000");
        Assert.Equal("table word 0x0 at 0x80000400", first.Expected);
    }

    /// <summary>An unmap of all that a table covers, in the manner of the recorded library: the table goes with its only page.</summary>
    private static VectorFile WholeTable() => VectorFile.Parse("made", [
        .. File.ReadLines(VectorFolder.Path("v7s/basic_std.jsonl")).Take(3),
        """{"e":"api","call":"map","dom":"A","iova":"0x10000000","pa":"0xa0009000","size":4096,"prot":"rw","ret":0}""",
        """{"e":"alloc","pa":"0x80004000","size":1024,"align":1024,"kind":"L2"}""",
        """{"e":"mem","pa":"0x80000400","bits":32,"words":["0x80004001"]}""",
        """{"e":"mem","pa":"0x80004000","bits":32,"words":["0xa0009c72"]}""",
        """{"e":"api","call":"unmap","dom":"A","iova":"0x10000000","size":1048576,"ret":4096}""",
        """{"e":"mem","pa":"0x80000400","bits":32,"words":["0x0"]}""",
        """{"e":"free","pa":"0x80004000","size":1024,"kind":"L2"}""",
        """{"e":"api","call":"iova_to_phys","dom":"A","iova":"0x10000000","ret":"0x0"}""",
    ]);

    private static void Check(string file, TableFamily family, string problem) =>
        Check(VectorFile.Load(VectorFolder.Path(file)), family, problem);

    private static Divergence Check(VectorFile file, TableFamily family, string problem)
    {
        var result = new VectorReplay([], [family]).Run(file);
        Assert.True(result.Tables.Failed > 0);
        Assert.Contains(problem, result.Tables.First!.Got, StringComparison.Ordinal);
        var whole = Replays.Run(file).Tables;
        Assert.True(whole.First is null && whole.Passed > 3, $"{whole.First}");
        return result.Tables.First;
    }

    private sealed class Broken(string file) : TableFamily
    {
        private readonly TableFamily _whole = TableFamilies.All.First(family => file.StartsWith(family.Driver, StringComparison.Ordinal));

        public Func<ITableMemory, ITableMemory> Memory { get; init; } = memory => memory;

        public Func<ReplayedTable, ReplayedTable> Table { get; init; } = table => table;

        public override string Driver => _whole.Driver;

        public override bool OverwritesMappings => _whole.OverwritesMappings;

        public override bool RemovesWholePages => _whole.RemovesWholePages;

        public override int LossyPageShift => _whole.LossyPageShift;

        public override ReplayedTable Create(VectorEvent call, ITableMemory memory) => Table(_whole.Create(call, Memory(memory)));

        public override void CheckConfiguration(ReplayPart part, VectorEvent call, ReplayedTable table) =>
            _whole.CheckConfiguration(part, call, table);
    }

    private sealed class LossyMemory(ITableMemory memory, bool frees, bool cleans) : ITableMemory
    {
        public PhysicalMemory Memory => memory.Memory;

        public bool TryAllocate(int bytes, int alignment, int addressBits, out PhysicalAddress table) =>
            memory.TryAllocate(bytes, alignment, addressBits, out table);

        public void Free(PhysicalAddress table, int bytes)
        {
            if (frees)
                memory.Free(table, bytes);
        }

        public void Clean(PhysicalAddress start, int bytes)
        {
            if (cleans)
                memory.Clean(start, bytes);
        }
    }

    private sealed class Forgetful(ReplayedTable table) : ReplayedTable
    {
        public bool LosesRanges { get; init; }

        public bool LosesLinks { get; init; }

        public bool KeepsTables { get; init; }

        public override IPageTableFormat Format => table.Format;

        public override PhysicalAddress Root => table.Root;

        public override int RootLevel => table.RootLevel;

        public override Status Map(Iova iova, PhysicalAddress address, ulong size, Protection protection, ref InvalidationGather gather)
        {
            var status = table.Map(iova, address, size, protection, ref gather);
            Lose(ref gather);
            return status;
        }

        public override Status Unmap(Iova iova, ulong size, ref InvalidationGather gather, out ulong unmapped)
        {
            var first = KeepsTables && size > 0x1000 ? 0x1000 : size;
            var status = table.Unmap(iova, first, ref gather, out unmapped);
            if (status == Status.Ok && unmapped == first && first < size)
            {
                status = table.Unmap(iova + first, size - first, ref gather, out var rest);
                unmapped += rest;
            }

            Lose(ref gather);
            return status;
        }

        private void Lose(ref InvalidationGather gather)
        {
            var links = gather.TablesChanged && !LosesLinks;
            if (LosesRanges)
                gather.ClearRanges();
            gather.TablesChanged = links;
        }

        public override void FreeGathered(ref InvalidationGather gather) => table.FreeGathered(ref gather);

        public override Status ReadDirty(Iova iova, ulong size, bool clear, WrittenPages written, ref InvalidationGather gather) =>
            table.ReadDirty(iova, size, clear, written, ref gather);

        public override bool TryTranslate(Iova iova, out PageTranslation translation) => table.TryTranslate(iova, out translation);

        public override void Dispose() => table.Dispose();
    }
}
