using Aperture.Conformance.Drivers;
using Aperture.Conformance.Vectors;
using Aperture.Core;
using Aperture.Core.PageTables;

namespace Aperture.Conformance.Tables;

/// <content>Everything but map and unmap.</content>
public sealed partial class TableReplay
{
    private void Allocate(RecordedCall call)
    {
        if (_table is not null)
            throw call.Api.Bad("there is a table already");
        foreach (var block in call.Of("alloc"))
            _memory.Offer(block.Hex("pa"), block.Count("size"));
        _hasFollowed = false;
        _hasMoved = false;
        _isMissing = false;
        _emptyTables.Clear();
        _counted.Clear();
        var isRecorded = !call.Api.Has("ok") || call.Api.Flag("ok");
        try
        {
            _table = _family.Create(call.Api, _memory);
        }
        catch (ApertureException e) when (e is not VectorException)
        {
            _isMissing = !Part.Check(!isRecorded, call.Line, () => "a table", () => e.Message);
            _recorded.FreeAll();
            return;
        }

        if (!Part.Check(isRecorded, call.Line, () => "no table with these settings", () => "one"))
        {
            _table.Dispose();
            _table = null;
            return;
        }

        if (call.Of("alloc").FirstOrDefault() is not { } root)
            throw call.Api.Bad("no root was allocated");
        _recordedRoot = root.Hex("pa");
        _recordedTop = _table.Format.StartLevel;
        Part.CheckHex(call.Line, "the root is at", _recordedRoot, _table.Root.Value);
        Part.CheckHex(call.Line, "the page sizes are", call.Api.Hex("pgsizes"), _table.Format.PageSizes);
        _family.CheckConfiguration(Part, call.Api, _table);
    }

    private void Free(RecordedCall call)
    {
        Table(call.Api).Dispose();
        _table = null;
        Part.Check(
            _memory.Used.Count == 0,
            call.Line,
            () => "every table given back",
            () => $"one of {_memory.Used.Count} left at 0x{_memory.Used.Keys.First():x}");
        Part.Check(
            _recorded.Blocks.Count == 0,
            call.Line,
            () => "every recorded table given back",
            () => $"one left at 0x{_recorded.Blocks.Keys.First():x}");
    }

    private void CheckTranslation(RecordedCall call)
    {
        var found = Table(call.Api).TryTranslate(new Iova(call.Api.Hex("iova")), out var translation);
        Part.CheckHex(call.Line, "the translation is", call.Api.Hex("ret"), found ? translation.Address.Value : 0);
    }

    private void ReadDirty(RecordedCall call)
    {
        var (line, gather) = (call.Api, new InvalidationGather());
        var pages = new WrittenPages();
        var written = pages.List;
        var status = Table(line).ReadDirty(new Iova(line.Hex("iova")), SizeOf(line), !line.Flag("noClear"), pages, ref gather);
        Part.CheckNumber(call.Line, "the call gives", call.Result, (long)status);
        var expected = call.Of("dirty").Select(dirty => (dirty.Hex("iova"), (ulong)dirty.Count64("size"))).ToList();
        Part.Check(
            expected.SequenceEqual(written), call.Line, () => $"{expected.Count} pages written", () => $"{written.Count}, or others");
        Part.Check(
            line.Flag("noClear") ? gather.IsEmpty : written.TrueForAll(page => gather.AsSpan().ToArray().Any(
                range => range.Start.Value <= page.Item1 && page.Item1 + (page.Item2 - 1) <= range.Last.Value)),

            call.Line, () => "what was made clean gathered for invalidation", () => "something not, or too much");
    }

    /// <summary>What the hardware does: through our tables, and through the recorded ones.</summary>
    private void CheckExpectation(VectorEvent line)
    {
        Table(line);
        var iova = line.Hex("iova");
        foreach (var tree in new[] { OurTree, RecordedTree })
        {
            var leaf = tree.Find(iova);
            var got = leaf is { } found ? $"0x{found.Address + (iova - found.Iova):x} {Text(found.Protection)}" : "a fault";
            var expected = line.Flag("fault") ? "a fault" : $"0x{line.Hex("pa"):x} {line.Text("prot")}";
            Part.Check(got == expected, line.Line, () => expected, () => got);
        }
    }

    private void CheckImage(VectorEvent line)
    {
        var start = line.Hex("pa");
        var words = RecordedMemory.Words(line);
        var width = RecordedMemory.WordBytes(line);
        if (!_recorded.Contains(start, words.Length * width))
            throw line.Bad($"there is no table memory at 0x{start:x}");
        var i = 0;
        while (i < words.Length && words[i] == _recorded.Word(start + (ulong)(i * width), width))
            i++;
        var address = start + (ulong)(i * width);
        Part.Check(i == words.Length, line.Line, () => $"0x{words[i]:x} at 0x{address:x}", () => $"0x{_recorded.Word(address, width):x}");
    }

    private static string Text(Protection protection) => (protection & Protection.ReadWrite) switch
    {
        Protection.Read => "r",
        Protection.Write => "w",
        Protection.ReadWrite => "rw",
        _ => "none",
    };
}
