using System.Runtime.CompilerServices;
using Aperture.Core.Memory;

namespace Aperture.Core.PageTables;

/// <content>The life of tables: made, linked, pinned by their entries.</content>
public sealed unsafe partial class PageTable<TFormat>
{
    /// <summary>Finds the table of a level that covers an address, making what is missing, and adds entries to its count, so that it
    /// stays while they are stored.</summary>
    private Status Pin(ulong iova, int level, uint entries, ref InvalidationGather gather, out Table table)
    {
        table = _root;
        if (level == 0 && !Grows)
            return Status.Ok;
        if (level == 1 && !Grows)
        {
            // The table was linked while it lived this life; so it is the right one for as long as the word does not change.
            var link = EntryOf(_root, 0, iova);
            var entry = Load(link);
            if (_format.Classify(0, entry) == EntryKind.Table && TryGetTable(0, entry, out table))
            {
                var word = table.State;
                if (word.IsReady && Load(link) == entry && TryChange(table.Word, word, word.Add(entries)))
                    return Status.Ok;
            }
        }

        return PinSlowly(iova, level, entries, ref gather, out table);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Status PinSlowly(ulong iova, int level, uint entries, ref InvalidationGather gather, out Table table)
    {
        var status = Grows ? Grow(iova, level, ref gather) : Status.Ok;
        table = Top(out var at);
        if (status != Status.Ok)
            return status;
        var newerThan = TableWord.LastLife;
        while (true)
        {
            if (at >= level)
            {
                // The pages lie in the root, and that counts its entries, too.
                var root = table.State;
                if (at == level && root.IsAlive && root.Life == table.Life && TryChange(table.Word, root, root.Add(entries)))
                    return Status.Ok;
                table = Top(out at);
                continue;
            }

            var last = at + 1 == level;
            var link = EntryOf(table, at, iova);
            var entry = Load(link);
            var kind = _format.Classify(at, entry);
            if (kind == EntryKind.Leaf)
                return Status.AlreadyExists;
            if (kind == EntryKind.Empty)
            {
                status = Extend(table, at, iova, entry, last ? entries : 0, newerThan, ref gather, out var made);
                if (status != Status.Ok)
                    return status;
                if (last && made.Bytes != null)
                {
                    table = made;
                    return Status.Ok;
                }

                if (!IsStill(table, at))
                    table = Top(out at);
                continue;
            }

            if (!TryGetTable(at, entry, out var child))
                return Status.BadAddress;
            var word = child.State;
            if (Load(link) != entry || !IsStill(table, at))
            {
                table = Top(out at);
                continue;
            }

            if (!word.IsReady)
            {
                if (word.IsAlive)
                    CleanLink(table, link, child, word);
                else if (word.IsDead)
                    HelpUnlink(table, link, entry, at, child, word);
                else if (child.State.Value == word.Value)
                    return Status.BadAddress;
                continue;
            }

            if (!last)
            {
                table = child.WithLife(word.Life);
                at++;
            }
            else if (TryChange(child.Word, word, word.Add(entries)))
            {
                table = child.WithLife(word.Life);
                return Status.Ok;
            }
        }
    }

    /// <summary>Whether the table still lives the life in which it was found. A root that does not grow always does.</summary>
    private bool IsStill(Table table, int level) => (level == 0 && !Grows) || (table.State is { IsAlive: true } word
        && word.Life == table.Life);

    /// <summary>Links a new table into an empty entry.</summary>
    /// <param name="parent">The table that holds the entry.</param>
    /// <param name="level">Its level.</param>
    /// <param name="iova">The address that selects the entry.</param>
    /// <param name="empty">The entry as it was read.</param>
    /// <param name="entries">The count with which the new table starts.</param>
    /// <param name="newerThan">The last life before this call: tables that began later were made by it.</param>
    /// <param name="gather">Takes note of the link.</param>
    /// <param name="made">The new table; no table when somebody else changed the entry first.</param>
    private Status Extend(Table parent, int level, ulong iova, ulong empty, uint entries, ulong newerThan, ref InvalidationGather gather,
        out Table made)
    {
        if (!TryNewTable(level + 1, out made))
        {
            // A parent that this call made and that stays empty goes as well.
            Release(iova, level, parent, 0, Reclaim.NewerThan(newerThan), ref gather);
            return Status.NoMemory;
        }

        if (level > 0 || Grows)
        {
            var word = parent.State;
            if (!word.IsAlive || word.Life != parent.Life || !TryChange(parent.Word, word, word.Add(1)))
            {
                _tables.Free(made.Address, TableBytes(level + 1));
                made = default;
                return Status.Ok;
            }
        }

        SetTag(made, level + 1, iova);
        Volatile.Write(ref *made.Word, TableWord.Start(entries).Value);
        made = made.WithLife(made.State.Life);
        var link = EntryOf(parent, level, iova);
        if (!EntryRun.TryReplace(link, _format.EntryBytes, empty, _format.MakeTable(level, made.Address)))
        {
            Discard(made, level + 1);
            made = default;
            Release(iova, level, parent, 1, Reclaim.Usual, ref gather);
            return Status.Ok;
        }

        CleanLink(parent, link, made, made.State);
        gather.TablesChanged = true;
        return Status.Ok;
    }

    /// <summary>Cleans the link to a table and takes note of it there.</summary>
    private void CleanLink(Table parent, byte* link, Table table, TableWord word)
    {
        Clean(parent, link, 1);
        while (word is { IsAlive: true, IsReady: false } && word.Life == table.State.Life && !TryChange(table.Word, word,
            word.WithCleanLink()))
            word = table.State;
    }

    /// <summary>Allocates a table and fills it with empty entries. Nobody can see it yet.</summary>
    private bool TryNewTable(int level, out Table table)
    {
        table = default;
        var bytes = TableBytes(level);
        if (!_tables.TryAllocate(bytes, _format.TableAlignment(level), _format.TableBits, out var address))
            return false;
        if (!_memory.TryGetFrame(address, (ulong)bytes, out var host, out var word))
            throw new ApertureException(Status.BadAddress, $"the table allocator gave 0x{bytes:x} bytes at {address}, which are not RAM");

        table = new Table(address, host, word);
        Volatile.Write(ref word[2], 0); // the tag of whatever table was here before
        var empty = _format.EmptyEntry(level);
        if (empty != 0)
        {
            EntryRun.Fill(host, _format.EntryBytes, 1 << _format.IndexBits(level), empty);
            Clean(table, host, 1 << _format.IndexBits(level));
        }

        return true;
    }

    /// <summary>Gives back a table that was never linked.</summary>
    private void Discard(Table table, int level)
    {
        Volatile.Write(ref *table.Word, 0);
        _tables.Free(table.Address, TableBytes(level));
    }

    /// <summary>The table that an entry points to, if there is RAM for it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryGetTable(int level, ulong entry, out Table table)
    {
        var address = _format.TableAddress(level, entry);
        if (_memory.TryGetFrame(address, (ulong)TableBytes(level + 1), out var bytes,
            out var word) && address.IsAligned(PhysicalMemory.FrameSize))
        {
            table = new Table(address, bytes, word);
            return true;
        }

        table = default;
        return false;
    }

    /// <summary>The offset of the table that an entry points to, if it is where nearly all are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryGetAtHome(int level, ulong entry, out ulong offset)
    {
        var address = _format.TableAddress(level, entry);
        offset = address.Value - _home.Start;
        return offset <= _home.Room && address.IsAligned(PhysicalMemory.FrameSize);
    }
}
