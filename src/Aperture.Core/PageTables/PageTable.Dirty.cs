namespace Aperture.Core.PageTables;

/// <content>What the hardware wrote through a table that keeps track of it.</content>
public sealed unsafe partial class PageTable<TFormat>
{
    /// <summary>Tells of every page that was written since it was made clean, and makes it clean.</summary>
    /// <param name="iova">The first device address.</param>
    /// <param name="size">Bytes; a page that is only partly in the range counts as a whole.</param>
    /// <param name="clear">Whether the pages are clean afterwards; a device's next write marks them again once the gather was
    /// committed.</param>
    /// <param name="written">Is given each such page, lowest first. A page may be given that was not written.</param>
    /// <param name="gather">Collects the pages that were made clean: a unit may remember that it need not mark them.</param>
    /// <returns><see cref="Status.Ok"/>; <see cref="Status.InvalidArgument"/> at the first hole, or for a range that is not aligned;
    /// <see cref="Status.OutOfRange"/> beyond the format's addresses; <see cref="Status.BadAddress"/> where the tables are
    /// corrupted.</returns>
    public Status ReadDirty<TWritten>(Iova iova, ulong size, bool clear, ref TWritten written, ref InvalidationGather gather)
        where TWritten : struct, IWrittenPages, allows ref struct
    {
        var status = CheckInput(iova.Value, size);
        for (ulong done = 0; status == Status.Ok && done < size;)
        {
            var at = iova.Value + done;
            status = FindLeaf(at, out var table, out var level, out var entry);
            if (status != Status.Ok)
                return status == Status.NotFound ? Status.InvalidArgument : status;

            var shift = _format.LeafShift(level, entry);
            var page = new Iova(at).AlignDown(1UL << shift);
            if (ReadPage(table, level, page.Value, shift, clear))
            {
                written.Add(page, 1UL << shift);
                if (clear)
                    gather.Add(page, 1UL << shift, shift);
            }

            done = page.Value + ((1UL << shift) - iova.Value);
        }

        return status;
    }

    /// <summary>As <see cref="ReadDirty"/>, over holes.</summary>
    /// <param name="iova">The first device address.</param>
    /// <param name="size">Bytes; 0 for all from the first address on.</param>
    /// <param name="clear">Whether the pages are clean afterwards.</param>
    /// <param name="written">Is given each such page, lowest first. A page may be given that was not written.</param>
    /// <param name="gather">Collects the pages that were made clean.</param>
    /// <returns><see cref="Status.Ok"/>; <see cref="Status.InvalidArgument"/> for a range that is not aligned;
    /// <see cref="Status.OutOfRange"/> beyond the format's addresses.</returns>
    public Status ReadDirtyMapped<TWritten>(Iova iova, ulong size, bool clear, ref TWritten written, ref InvalidationGather gather)
        where TWritten : struct, IWrittenPages, allows ref struct
    {
        var status = CheckInput(iova.Value, size);
        if (status != Status.Ok)
            return status;
        if (size == 0)
            size = LastInput - iova.Value + 1;
        var last = iova.Value + (size - 1);
        var at = iova.Value;
        while (TryFindNext(ref at, LastInput + 1, out var mapping) && mapping.Page.Value <= last)
        {
            if (FindLeaf(mapping.Page.Value, out var table, out var level, out var entry) == Status.Ok)
            {
                var shift = _format.LeafShift(level, entry);
                var page = mapping.Page.AlignDown(1UL << shift); // it may have been split meanwhile
                if (ReadPage(table, level, page.Value, shift, clear))
                {
                    written.Add(page, 1UL << shift);
                    if (clear)
                        gather.Add(page, 1UL << shift, shift);
                }
            }

            if (at - 1 >= last)
                break; // behind the range, or behind the last address
        }

        return Status.Ok;
    }

    /// <summary>Whether one of a page's entries says that it was written; makes all of them clean if wanted. By compare-and-swap, because
    /// the hardware may mark them at the same time.</summary>
    private bool ReadPage(Table table, int level, ulong page, int shift, bool clear)
    {
        var width = _format.EntryBytes;
        var first = EntryOf(table, level, page);
        var entries = 1 << (shift - _format.Shift(level));
        var isDirty = false;
        for (var i = 0; i < entries; i++)
        {
            var place = first + (i * width);
            var entry = Load(place);
            while (_format.Classify(level, entry) == EntryKind.Leaf && _format.IsDirty(level, entry))
            {
                isDirty = true;
                if (!clear || EntryRun.TryReplace(place, width, entry, _format.MakeClean(level, entry)))
                    break;
                entry = Load(place);
            }
        }

        if (isDirty && clear)
            Clean(table, first, entries);
        return isDirty;
    }
}
