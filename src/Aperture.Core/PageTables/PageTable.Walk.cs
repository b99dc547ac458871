namespace Aperture.Core.PageTables;

/// <content>Reading: one address, all mappings, the tables in use.</content>
public sealed unsafe partial class PageTable<TFormat>
{
    /// <summary>Translates one address.</summary>
    /// <returns>False when nothing is mapped there, the address is out of range, or the tables are corrupted.</returns>
    public bool TryTranslate(Iova iova, out PageTranslation translation)
    {
        CheckMemory();
        translation = default;
        if (iova.Value < _format.InputStart || iova.Value > LastInput || FindLeaf(iova.Value, out _, out var level,
            out var entry) != Status.Ok)
            return false;

        var shift = _format.LeafShift(level, entry);
        var page = iova.AlignDown(1UL << shift);
        translation = new PageTranslation(_format.LeafAddress(level, entry) + (iova - page), page, shift, _format.LeafProtection(level,
            entry));
        return true;
    }

    /// <summary>Every mapped page, lowest first, each as the translation of its first byte. Pages that come and go meanwhile may be
    /// missed.</summary>
    public IEnumerable<PageTranslation> EnumerateMappings()
    {
        var at = _format.InputStart;
        var end = LastInput + 1;
        while (TryFindNext(ref at, end, out var mapping))
        {
            yield return mapping;
            if (at == end)
                yield break;
        }
    }

    /// <summary>The tables in use, the root among them, and their bytes.</summary>
    public (int Tables, long Bytes) CountTables()
    {
        CheckMemory();
        var root = Top(out var level);
        var count = 1;
        long bytes = TableBytes(level);
        CountBelow(level, root, ref count, ref bytes);
        return (count, bytes);
    }

    /// <summary>Finds the first mapped page at or behind an address and moves the address behind that page.</summary>
    private bool TryFindNext(ref ulong at, ulong end, out PageTranslation mapping)
    {
        CheckMemory();
        do
        {
            var table = Top(out var level);
            if (Grows && !Reaches(level, at))
                break;
            var entry = Load(EntryOf(table, level, at));
            var kind = _format.Classify(level, entry);
            while (kind == EntryKind.Table && TryGetTable(level, entry, out table))
            {
                level++;
                entry = Load(EntryOf(table, level, at));
                kind = _format.Classify(level, entry);
            }

            var size = 1UL << _format.Shift(level);
            if (kind == EntryKind.Leaf)
            {
                var shift = _format.LeafShift(level, entry);
                var page = new Iova(at).AlignDown(1UL << shift);
                mapping = new PageTranslation(_format.LeafAddress(level, entry), page, shift, _format.LeafProtection(level, entry));
                at = page.Value + (1UL << shift);
                return true;
            }

            at = (at & ~(size - 1)) + size;
        }
        while (at != end);

        mapping = default;
        return false;
    }

    private void CountBelow(int level, Table table, ref int count, ref long bytes)
    {
        for (var i = 0; level + 1 < _format.Levels && i < 1 << _format.IndexBits(level); i++)
        {
            var entry = Load(table.Bytes + (i * _format.EntryBytes));
            if (_format.Classify(level, entry) != EntryKind.Table || !TryGetTable(level, entry, out var child))
                continue;
            count++;
            bytes += TableBytes(level + 1);
            CountBelow(level + 1, child, ref count, ref bytes);
        }
    }
}
