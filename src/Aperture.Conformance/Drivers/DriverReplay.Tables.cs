using Aperture.Core.PageTables;
using Aperture.Iommu;

namespace Aperture.Conformance.Drivers;

/// <content>Table memory, bit for bit.</content>
public sealed partial class DriverReplay
{
    private const ulong AddressSpace = 1UL << 32; // device addresses of both families
    private const long AddressInUse = -98;        // the number with which one recorded driver refuses an overlap

    private readonly HashSet<ulong> _sharedTables = [];                          // tables of ours that belong to no domain
    // ours was brought in line: its tables may lie elsewhere from there on
    private bool _hasFollowed;
    private readonly HashSet<ulong> _tainted = [];                               // recorded words that no call of ours can produce
    private bool _isOver;                                                        // nothing more can be compared
    private readonly HashSet<(string, ulong)> _counted = [];                     // what a rule was counted for already

    private TableReader? OurReader(ReplayedDomain domain) =>
        domain.Ours is { } ours ? new TableReader(_family.Format(ours, null), _memory.Memory, _family.Root(ours)) : null;

    private TableReader? RecordedReader(ReplayedDomain domain) =>
        domain is { Ours: { } ours, RecordedRoots.Count: > 0 }
            ? new TableReader(_family.Format(ours, _recordedZeroTable), _recorded.Memory, domain.RecordedRoots[0])
            : null;

    /// <summary>Ends the replay, with a failure that says why, at tables of a shape that it cannot compare.</summary>
    private void CheckShape(RecordedCall call, IommuDomain domain)
    {
        var format = _family.Format(domain, null);
        if (format is { Levels: 2, EntryBytes: sizeof(uint) })
            return;
        Part.Fail(
            call.Line,
            "two levels of 32-bit entries: the replay of a driver compares no other tables",
            $"{format.Levels} levels of {format.EntryBytes * 8}-bit entries");
        _isOver = true;
    }

    /// <summary>The recorded tables of a domain that a call cannot do without.</summary>
    private TableReader RecordedTables(RecordedCall call, ReplayedDomain domain) =>
        RecordedReader(domain) ?? throw call.Api.Bad($"domain {domain.Label} has no recorded table");

    private void CheckTables(RecordedCall call, ReplayedDomain domain)
    {
        if (OurReader(domain) is not { } ours || RecordedReader(domain) is not { } recorded)
            return;
        for (var i = 0; i < recorded.FirstLevelEntries; i++)
        {
            var isTable = recorded.Kind(i) == EntryKind.Table && ours.Kind(i) == EntryKind.Table;
            var holds = recorded.First(i) == ours.First(i)
                ? !isTable || SameSecondLevel(call, recorded, ours, i)
                : MayDiffer(call, domain, recorded, ours, i, isTable);
            if (!holds)
                return;
        }

        Part.Check(true, call.Line, () => "", () => "");
    }

    private bool SameSecondLevel(RecordedCall call, TableReader recorded, TableReader ours, int index)
    {
        for (var i = 0; i < recorded.SecondLevelEntries; i++)
        {
            var (expected, got) = (recorded.Second(index, i), ours.Second(index, i));
            if (expected == got)
                continue;
            var iova = ((ulong)index << recorded.FirstLevelShift) + ((ulong)i << 12);
            var address = recorded.TableOf(index) + ((ulong)i * sizeof(uint));
            if (got == 0 && _family.LeavesEntriesBehind && recorded.IsEmpty(index, i))
                Count(Rules.ClearedEntry, recorded.TableOf(index));
            else if (!_tainted.Contains(address) && !IsSameTorn(recorded, ours, iova))
                return FailWord(call, address, expected, got);
        }

        return true;
    }

    /// <summary>First-level entries that differ: a table elsewhere, a table without entries, or a torn page.</summary>
    private bool MayDiffer(RecordedCall call, ReplayedDomain domain, TableReader recorded, TableReader ours, int index, bool isTable)
    {
        if (isTable && (_hasFollowed || _memory.IsSpare(ours.TableOf(index))))
        {
            Count(Rules.TableAddress, ours.TableOf(index));
            return SameSecondLevel(call, recorded, ours, index);
        }

        var (expected, got) = (recorded.Kind(index), ours.Kind(index));
        if (expected == EntryKind.Empty && got == EntryKind.Empty)
            return true;
        var isEmptyTable = (expected, got) switch
        {
            (EntryKind.Table, EntryKind.Empty) => recorded.IsEmptyTable(index),
            (EntryKind.Empty, EntryKind.Table) => ours.IsEmptyTable(index),
            _ => false,
        };
        if (isEmptyTable && (call.Result < 0 || _hasFollowed || domain.EmptyTables.Contains(index)))
        {
            if (domain.EmptyTables.Add(index))
                Deviate(Rules.EmptyTable);
            return true;
        }

        return IsSameTorn(recorded, ours, (ulong)index << recorded.FirstLevelShift)
            || FailWord(call, recorded.Root + ((ulong)index * sizeof(uint)), recorded.First(index), ours.First(index));
    }

    /// <summary>Whether an entry belongs to a torn page and ours maps the same there with smaller pages.</summary>
    private bool IsSameTorn(TableReader recorded, TableReader ours, ulong iova)
    {
        if (recorded.Find(iova) is not { IsTorn: true } torn || ours.Find(iova) is not { } found
            || (torn.Address, torn.Protection) != (found.Address, found.Protection))
            return false;
        Count(Rules.TornPage, iova);
        return true;
    }

    private bool IsTorn(ReplayedDomain domain, ulong iova) => RecordedReader(domain)?.Find(iova) is { IsTorn: true };

    /// <summary>Excuses the recorded second-level words of a range that ours could not follow, until they change again.</summary>
    private void Taint(ReplayedDomain domain, ulong start, ulong end)
    {
        if (RecordedReader(domain) is not { } recorded || OurReader(domain) is not { } ours)
            return;
        for (var i = (int)(start >> recorded.FirstLevelShift); i < (int)(end >> recorded.FirstLevelShift); i++)
        {
            for (var k = 0; recorded.Kind(i) == EntryKind.Table && ours.Kind(i) == EntryKind.Table && k < recorded.SecondLevelEntries; k++)
            {
                if (recorded.Second(i, k) != ours.Second(i, k))
                    _tainted.Add(recorded.TableOf(i) + ((ulong)k * sizeof(uint)));
            }
        }
    }

    private void ClearTaint(Vectors.VectorEvent mem)
    {
        if (_tainted.Count == 0)
            return;
        _tainted.RemoveWhere(address => Vectors.RecordedMemory.Covers(mem, address));
    }

    /// <summary>Counts a rule once for the thing that it excuses.</summary>
    private void Count(string rule, ulong thing)
    {
        if (_counted.Add((rule, thing)))
            Deviate(rule);
    }

    private bool FailWord(RecordedCall call, ulong address, uint expected, uint got)
    {
        var line = call.Of("mem").LastOrDefault(mem => Vectors.RecordedMemory.Covers(mem, address));
        Part.Fail((line ?? call.Api).Line, $"table word 0x{expected:x} at 0x{address:x}", $"0x{got:x}");
        return false;
    }

    /// <summary>Every table in use is reached from a domain.</summary>
    private void CheckLeaks(RecordedCall call)
    {
        var reached = new HashSet<ulong>(_sharedTables);
        foreach (var domain in _domains.Values)
        {
            if (OurReader(domain) is not { } reader)
                continue;
            reached.Add(reader.Root);
            for (var i = 0; i < reader.FirstLevelEntries; i++)
            {
                if (reader.Kind(i) == EntryKind.Table)
                    reached.Add(reader.TableOf(i));
            }
        }

        // A unit that lets no address pass has its masters in an empty table while the recording has them in none.
        foreach (var master in _masters.Values)
        {
            if (master.Device.Iommu is not null && master.Group.DefaultDomain is { IsPaging: true } resting)
                reached.Add(_family.Root(resting));
        }

        var lost = _memory.Used.Keys.FirstOrDefault(table => !reached.Contains(table));
        if (lost != 0)
            Part.Fail(call.Line, "no table that nobody reaches", $"one at 0x{lost:x}");
    }
}
