using System.Runtime.CompilerServices;

namespace Aperture.Core.PageTables;

/// <content>The root, and tables that grow upwards: a new root whose first entry links to the old one. The root and its level change
/// together, by one compare-and-swap; a walk that began at the old root stays right, because that is still a part of the table.</content>
public sealed unsafe partial class PageTable<TFormat>
{
    private const ulong LevelMask = 0xF; // of _top

    private bool Grows => _format.StartLevel != 0;

    /// <summary>The root and its level.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Table Top(out int level)
    {
        if (Grows)
            return GrownTop(out level);
        level = 0;
        return _root;
    }

    /// <summary>The root in the life in which it is the root, or was just now.</summary>
    private Table GrownTop(out int level)
    {
        ulong top;
        Table table;
        TableWord word;
        do
        {
            top = Volatile.Read(ref _top);
            level = (int)(top & LevelMask);
            var address = new PhysicalAddress(top & ~LevelMask);
            var isThere = _memory.TryGetFrame(address, (ulong)TableBytes(level), out var bytes, out var state);
            ObjectDisposedException.ThrowIf(!isThere, this); // it was in RAM as long as there was some
            table = new Table(address, bytes, state);
            word = table.State;
        }
        while (!_disposed && (!word.IsAlive || Volatile.Read(ref _top) != top));
        return table.WithLife(word.Life);
    }

    /// <summary>Whether a table is the root, which counts its entries where the format grows and never dies. Only a corrupted table can
    /// make its count wrong.</summary>
    private bool IsRoot(Table table) => Grows && (Volatile.Read(ref _top) & ~LevelMask) == table.Address.Value;

    /// <summary>Whether a root of a level is about an address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Reaches(int level, ulong iova)
    {
        var bits = _format.Shift(level) + _format.IndexBits(level);
        return bits >= 64 || iova >> bits == 0;
    }

    /// <summary>Puts levels on top until the root is about an address, and not below the level of a page.</summary>
    private Status Grow(ulong iova, int level, ref InvalidationGather gather)
    {
        while (true)
        {
            var root = Top(out var at);
            if (at <= level && Reaches(at, iova))
                return Status.Ok;
            if (at == 0)
                return Status.OutOfRange;
            if (!TryNewTable(at - 1, out var above))
                return Status.NoMemory;

            EntryRun.Store(above.Bytes, _format.EntryBytes, _format.MakeTable(at - 1, root.Address));
            Clean(above, above.Bytes, 1);
            Volatile.Write(ref *above.Word, TableWord.Start(2).WithCleanLink().Value); // the link, and the one of the root
            var old = root.Address.Value | (uint)at;
            if (Interlocked.CompareExchange(ref _top, above.Address.Value | (uint)(at - 1), old) != old)
            {
                Discard(above, at - 1);
                continue;
            }

            gather.TablesChanged = true;
            TableWord word;
            do
            {
                word = root.State;
            }
            while (!TryChange(root.Word, word, word.Remove(1)));
        }
    }
}
