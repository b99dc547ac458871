using System.Runtime.CompilerServices;
using Aperture.Core.Memory;

namespace Aperture.Core.PageTables;

/// <content>The life of tables: without entries, declared dead, unlinked, given back.</content>
public sealed unsafe partial class PageTable<TFormat>
{
    /// <summary>Gives back the tables that were unlinked into <paramref name="gather"/>. Call it when no unit can reach them any
    /// more: after the invalidation.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void FreeGathered(ref InvalidationGather gather)
    {
        if (gather.FreeList != 0)
            FreeAllGathered(ref gather);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeAllGathered(ref InvalidationGather gather)
    {
        var next = gather.FreeList;
        gather.FreeList = 0;
        while (next != 0)
        {
            var address = new PhysicalAddress((next - 1) * PhysicalMemory.FrameSize);
            if (!_memory.TryGetFrame(address, 1, out var bytes, out var word))
                return;
            var table = new Table(address, bytes, word);
            TableWord state;
            do
            {
                state = table.State;
            }
            while (!TryChange(table.Word, state, state.HasHelpers ? state.Release() : default));

            next = state.Next;
            if (!state.HasHelpers)
                _tables.Free(address, TableBytes(state.Level));
        }
    }

    /// <summary>Takes one entry out of the count of a table: <see cref="Release"/> where the table need not die.</summary>
    /// <param name="word">The table's word.</param>
    /// <param name="seen">What it was while the entry was still counted.</param>
    /// <returns>False when it is not as simple as that; nothing was done.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryReleaseOne(ulong* word, TableWord seen)
    {
        var left = new TableWord(seen.Value - 1);
        return seen.Count > (_format.Reclaim == TableReclaim.WhenEmpty ? 1u : 0u)
            && TryChange(word, seen, left);
    }

    /// <summary>Takes one entry out of the count of the table of a level that an entry above points to.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ReleaseOne(ulong iova, int level, ulong entry, ref InvalidationGather gather)
    {
        if (TryGetTable(level - 1, entry, out var table))
            Release(iova, level, table, 1, Reclaim.Usual, ref gather);
    }

    /// <summary>Takes entries out of the count of a table. With its last one the table dies if the format or
    /// <paramref name="reclaim"/> says so.</summary>
    private void Release(ulong iova, int level, Table table, uint entries, in Reclaim reclaim, ref InvalidationGather gather)
    {
        if (level == 0 && !Grows)
            return;
        while (true)
        {
            var word = table.State;
            if (!word.IsAlive)
                return;
            var left = word.Remove(entries);
            var dies = left.Count == 0 && Goes(reclaim, level, iova, word) && !IsRoot(table);
            if (!TryChange(table.Word, word, dies ? TableWord.Dead(level, gather.FreeList) : left))
                continue;
            if (dies)
                Unlink(iova, level, table, reclaim, ref gather);
            return;
        }
    }

    /// <summary>Whether an empty table below the root is given back.</summary>
    private bool Goes(in Reclaim reclaim, int level, ulong iova, TableWord word)
    {
        if (_format.Reclaim == TableReclaim.WhenEmpty || word.LifeNumber > reclaim.After)
            return true;
        if (_format.Reclaim == TableReclaim.Never || (_format.PageSizes >> _format.Shift(level - 1) & 1) == 0)
            return false;
        var span = 1UL << _format.Shift(level - 1);
        var start = iova & ~(span - 1);
        return start >= reclaim.First && start + (span - 1) <= reclaim.Last;
    }

    private void CountDeath()
    {
        if (_format.Levels > 2)
            Interlocked.Increment(ref _deaths);
    }

    /// <summary>Removes the link to a table that this call declared dead and hands the table to the gather.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Unlink(ulong iova, int level, Table table, in Reclaim reclaim, ref InvalidationGather gather)
    {
        CountDeath();
        gather.FreeList = FreeListOf(table);
        gather.TablesChanged = true;

        // The parents are there: this table's link is still counted in the one above.
        var parent = Top(out var above);
        for (; above + 1 < level; above++)
        {
            if (!TryGetTable(above, Load(EntryOf(parent, above, iova)), out parent))
                return;
        }

        var link = EntryOf(parent, level - 1, iova);
        EntryRun.TryReplace(link, _format.EntryBytes, _format.MakeTable(level - 1, table.Address), _format.EmptyEntry(level - 1));
        Clean(parent, link, 1); // also when a helper was first: the invalidation that follows is ours
        Release(iova, level - 1, parent, 1, reclaim, ref gather);
    }

    /// <summary>Removes the link to a table that somebody else declared dead. Being counted as a helper keeps the table from
    /// being freed and linked again at the same place meanwhile.</summary>
    private void HelpUnlink(Table parent, byte* link, ulong entry, int level, Table table, TableWord dead)
    {
        if (!dead.TakesHelper || !TryChange(table.Word, dead, dead.AddHelper()))
            return;
        if (EntryRun.TryReplace(link, _format.EntryBytes, entry, _format.EmptyEntry(level)))
            Clean(parent, link, 1);

        while (true)
        {
            var word = table.State;
            var left = word.RemoveHelper();
            var last = left is { IsReleased: true, HasHelpers: false };
            if (!TryChange(table.Word, word, last ? default : left))
                continue;
            if (last)
                _tables.Free(table.Address, TableBytes(word.Level));
            return;
        }
    }

    /// <summary>Whether nothing is mapped through the table: it has no entry, or only links to such tables.</summary>
    private bool HoldsNoLeaf(Table table, int level)
    {
        var word = table.State;
        if (!word.IsAlive)
            return word.IsDead;
        if (word.Count == 0)
            return true;
        for (var i = 0; level + 1 < _format.Levels && i < 1 << _format.IndexBits(level); i++)
        {
            var entry = Load(table.Bytes + (i * _format.EntryBytes));
            var kind = _format.Classify(level, entry);
            if (kind == EntryKind.Leaf || (kind == EntryKind.Table && !(TryGetTable(level, entry, out var child) && HoldsNoLeaf(child,
                level + 1))))
                return false;
        }

        return level + 1 < _format.Levels;
    }

    /// <summary>Declares a table dead that holds no leaf, and those below it, and hands them to the gather.</summary>
    /// <returns>False when the table holds a leaf, or is not alive.</returns>
    private bool TryKill(Table table, int level, ref InvalidationGather gather)
    {
        for (var i = 0; level + 1 < _format.Levels && i < 1 << _format.IndexBits(level); i++)
        {
            var link = table.Bytes + (i * _format.EntryBytes);
            var entry = Load(link);
            if (_format.Classify(level, entry) != EntryKind.Table || !TryGetTable(level, entry, out var child) || !TryKill(child,
                level + 1, ref gather))
                continue;
            EntryRun.TryReplace(link, _format.EntryBytes, entry, _format.EmptyEntry(level));
            Clean(table, link, 1);
            TableWord word;
            do
            {
                word = table.State;
            }
            while (word.IsAlive && !TryChange(table.Word, word, word.Remove(1)));
        }

        var state = table.State;
        if (!state.IsAlive || state.Count != 0 || IsRoot(table) || !TryChange(table.Word, state, TableWord.Dead(level, gather.FreeList)))
            return false;
        CountDeath();
        gather.FreeList = FreeListOf(table);
        return true;
    }

    /// <summary>Which empty tables are given back beside those that the format always gives back: those that began after a life (a map
    /// that failed takes back what it made), and those that lie in a range that was unmapped.</summary>
    private readonly struct Reclaim(ulong after, ulong first, ulong last)
    {
        public readonly ulong After = after;
        public readonly ulong First = first;
        public readonly ulong Last = last;

        /// <summary>No others.</summary>
        public static Reclaim Usual => new(ulong.MaxValue, 1, 0);

        public static Reclaim NewerThan(ulong life) => new(life, 1, 0);

        public static Reclaim Within(ulong first, ulong last) => new(ulong.MaxValue, first, last);
    }

    private static ulong FreeListOf(Table table) => (table.Address.Value / PhysicalMemory.FrameSize) + 1;

    private void FreeBelow(int level, Table table)
    {
        for (var i = 0; level + 1 < _format.Levels && i < 1 << _format.IndexBits(level); i++)
        {
            var entry = Load(table.Bytes + (i * _format.EntryBytes));
            if (_format.Classify(level, entry) != EntryKind.Table || !TryGetTable(level, entry, out var child) || !child.State.IsAlive)
                continue;
            Volatile.Write(ref *child.Word, 0); // first, so that a corrupted table that links to itself ends here
            FreeBelow(level + 1, child);
            _tables.Free(child.Address, TableBytes(level + 1));
        }
    }
}
