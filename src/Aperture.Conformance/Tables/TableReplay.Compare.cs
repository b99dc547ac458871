using Aperture.Conformance.Drivers;
using Aperture.Conformance.Vectors;
using Aperture.Core.PageTables;

namespace Aperture.Conformance.Tables;

/// <content>Table memory, word by word; what was cleaned and invalidated.</content>
public sealed partial class TableReplay
{
    // entries where only one of the two links to a table, one without leaves
    private readonly HashSet<(int Level, ulong Iova)> _emptyTables = [];
    private readonly HashSet<(string, ulong)> _counted = [];             // what a rule was counted for already
    // ours was brought in line: its tables may lie elsewhere from there on
    private bool _hasFollowed;
    // a call used a table again that it had freed; ours waits for the invalidation
    private bool _hasMoved;

    private void CheckTables(RecordedCall call)
    {
        var (recorded, ours) = (RecordedTree, OurTree);
        var holds = recorded.Top == ours.Top && (recorded.Root == ours.Root || MayLieElsewhere(ours.Root));
        if (!holds)
            Part.Fail(call.Line, $"a root of level {recorded.Top} at 0x{recorded.Root:x}", $"one of level {ours.Top} at 0x{ours.Root:x}");
        if (holds && SameTable(call, recorded, ours, recorded.Root, ours.Root, recorded.Top, recorded.Start))
            Part.Check(true, call.Line, () => "", () => "");
        var lost = _memory.Used.Keys.Except(OurTables()).Select(table => (ulong?)table).FirstOrDefault();
        Part.Check(lost is null, call.Line, () => "no table that nobody reaches", () => $"one at 0x{lost:x}");
        var dirty = _memory.FindUncleaned();
        Part.Check(
            dirty is null, call.Line, () => "every word cleaned", () => $"a word that a walker cannot see in the table at 0x{dirty:x}");
    }

    private bool SameTable(RecordedCall call, TreeReader recorded, TreeReader ours, ulong theirs, ulong own, int level, ulong start)
    {
        for (var i = 0; i < recorded.Entries(level); i++)
        {
            var (expected, got) = (recorded.Word(theirs, i), ours.Word(own, i));
            var iova = start + ((ulong)i << _table!.Format.Shift(level));
            var (kind, ownKind) = (recorded.Kind(level, expected), ours.Kind(level, got));
            var isLink = kind == EntryKind.Table && ownKind == EntryKind.Table;
            var holds = isLink
                ? SameLink(level, expected, got)
                : expected == got || MayDiffer(call, recorded, ours, (kind, expected), (ownKind, got), level, iova);
            if (!holds)
            {
                var address = theirs + (ulong)(i * _table.Format.EntryBytes);
                var mem = call.Of("mem").LastOrDefault(mem => RecordedMemory.Covers(mem, address));
                Part.Fail((mem ?? call.Api).Line, $"table word 0x{expected:x} at 0x{address:x}", $"0x{got:x}");
                return false;
            }

            if (!isLink)
                continue;
            var (theirNext, ownNext) = (_table.Format.TableAddress(level, expected).Value, _table.Format.TableAddress(level, got).Value);
            if (!SameTable(call, recorded, ours, theirNext, ownNext, level + 1, iova))
                return false;
        }

        return true;
    }

    /// <summary>Whether two links say the same, but for where their tables lie.</summary>
    private bool SameLink(int level, ulong expected, ulong got)
    {
        var format = _table!.Format;
        var (theirs, own) = (format.TableAddress(level, expected), format.TableAddress(level, got));
        return expected == format.MakeTable(level, theirs) && got == format.MakeTable(level, own)
            && (theirs == own || MayLieElsewhere(own.Value));
    }

    private bool MayLieElsewhere(ulong table)
    {
        if (!_hasFollowed && !_hasMoved && _emptyTables.Count == 0)
            return false;
        Count(Rules.TableAddress, table);
        return true;
    }

    /// <summary>Entries that differ: a table without leaves, or a torn page.</summary>
    private bool MayDiffer(
        RecordedCall call,
        TreeReader recorded,
        TreeReader ours,
        (EntryKind Kind, ulong Word) theirs,
        (EntryKind Kind, ulong Word) own,
        int level,
        ulong iova)
    {
        var isEmptyTable = (theirs.Kind, own.Kind) switch
        {
            (EntryKind.Table, EntryKind.Empty) => recorded.HoldsNoLeaf(_table!.Format.TableAddress(level, theirs.Word).Value, level + 1),
            (EntryKind.Empty, EntryKind.Table) => ours.HoldsNoLeaf(_table!.Format.TableAddress(level, own.Word).Value, level + 1),
            _ => false,
        };
        if (isEmptyTable && (call.Result < 0 || _hasFollowed || _emptyTables.Contains((level, iova))))
        {
            if (_emptyTables.Add((level, iova)))
                Deviate(Rules.EmptyTable);
            return true;
        }

        if (recorded.Find(iova) is not { IsTorn: true } torn || ours.Find(iova) is not { } found
            || (torn.Address, torn.Protection) != (found.Address + (torn.Iova - found.Iova), found.Protection))
        {
            return false;
        }

        Count(Rules.TornPage, iova);
        return true;
    }

    /// <summary>What was mapped and is not any more, or differently, has to be invalidated; so have links to tables that went.</summary>
    private void CheckInvalidated(RecordedCall call, List<TableLeaf> before, HashSet<ulong> tablesBefore, in InvalidationGather gather)
    {
        var after = OurTree.Leaves().ToHashSet();
        var covered = gather.AsSpan().ToArray();
        bool IsCovered(TableLeaf leaf) =>
            Array.Exists(covered, range => range.Start.Value <= leaf.Iova && leaf.End - 1 <= range.Last.Value);

        var forgotten = before.Where(leaf => !after.Contains(leaf) && !IsCovered(leaf)).Select(leaf => (ulong?)leaf.Iova).FirstOrDefault();
        Part.Check(
            forgotten is null, call.Line, () => "everything that went gathered for invalidation", () => $"nothing for 0x{forgotten:x}");
        var hasLinksGone = !tablesBefore.IsSubsetOf(OurTables());
        Part.Check(
            !hasLinksGone || gather.TablesChanged,
            call.Line,
            () => "the links that went gathered for invalidation",
            () => "nothing for them");
    }

    private HashSet<ulong> OurTables() => OurTree.Tables(0, ulong.MaxValue).Select(table => table.Address).ToHashSet();

    /// <summary>Counts a rule once for the thing that it excuses.</summary>
    private void Count(string rule, ulong thing)
    {
        if (_counted.Add((rule, thing)))
            Deviate(rule);
    }
}
