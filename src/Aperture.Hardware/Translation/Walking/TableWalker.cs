using Aperture.Core;
using Aperture.Core.PageTables;

namespace Aperture.Hardware.Translation.Walking;

/// <summary>The walker of a unit that reads its tables as the format says: one algorithm, compiled for each format and each way to
/// memory. It is itself a way to memory: a walker whose reader is another walker translates in two stages, and every entry of its own
/// tables goes through the second.</summary>
/// <typeparam name="TFormat">The format of the tables.</typeparam>
/// <typeparam name="TReader">Where the tables lie, and where they lead: <see cref="BusTableReader"/>, or another walker.</typeparam>
/// <remarks>
/// A value that never changes: any number of threads may walk by one. Rights that links hold count for all below them.
/// A unit that does not keep track of writes uses the format's variant that does not, so that a page which was not written is one that may
/// not be. An entry is marked used before the rights are looked at, and written only when every stage allows the write: a refused write
/// leaves no page dirty (Arm ARM D8.4.5).
/// </remarks>
public struct TableWalker<TFormat, TReader> : ITableReader
    where TFormat : struct, IPageTableFormat
    where TReader : struct, ITableReader
{
#pragma warning disable IDE0044 // calls on a readonly field of a type parameter's type copy all of it first
    private TFormat _format;
    private TReader _reader;
#pragma warning restore IDE0044
    private readonly PhysicalAddress _root;
    private readonly int _rootLevel;
    private readonly int _stage;
    private readonly TableUpdates _updates;

    /// <summary>A walker of one table.</summary>
    /// <param name="format">The format of the tables.</param>
    /// <param name="reader">Where they lie.</param>
    /// <param name="root">The first table, in the space of the reader.</param>
    /// <param name="rootLevel">Its level, as the format counts: more than 0 only where tables grow.</param>
    /// <param name="updates">What the walker writes into entries.</param>
    /// <param name="stage">What faults call it: 1 or 2.</param>
    /// <exception cref="ArgumentOutOfRangeException">The format has no such level.</exception>
    public TableWalker(
        TFormat format,
        TReader reader,
        PhysicalAddress root,
        int rootLevel = 0,
        TableUpdates updates = TableUpdates.None,
        int stage = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rootLevel);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rootLevel, format.Levels);
        _format = format;
        _reader = reader;
        _root = root;
        _rootLevel = rootLevel;
        _updates = updates;
        _stage = stage;
    }

    /// <summary>Of the tables of the last level: log2 of the addresses that one serves, and the level; 0 where there is one table
    /// only.</summary>
    public (int Shift, int Level) LastTables =>
        _format.Levels - 1 > _rootLevel ? (_format.Shift(_format.Levels - 2), _format.Levels - 1) : default;

    /// <summary>Translates an address by all stages.</summary>
    /// <param name="input">The address.</param>
    /// <param name="access">What is wanted there.</param>
    /// <param name="result">Where it leads, and what else is allowed there.</param>
    /// <param name="fault">Why it leads nowhere; of several reasons the first in the order of a walk.</param>
    public bool TryWalk(ulong input, WalkAccess access, out WalkResult result, out WalkFault fault)
    {
        var step = default(WalkStep);
        return TryWalk(input, access, ref step, out result, out fault);
    }

    /// <summary>The same from a table on that an earlier walk came to, for units that keep such.</summary>
    /// <param name="input">The address.</param>
    /// <param name="access">What is wanted there.</param>
    /// <param name="step">Where to begin: the default, or a table that serves the address. Gets where the walk ended, if it
    /// succeeds.</param>
    /// <param name="result">Where it leads, and what else is allowed there.</param>
    /// <param name="fault">Why it leads nowhere; of several reasons the first in the order of a walk.</param>
    public bool TryWalk(ulong input, WalkAccess access, ref WalkStep step, out WalkResult result, out WalkFault fault)
    {
        result = default;
        while (true)
        {
            if (!TryFind(input, access, ref step, out var leaf, out fault))
                return false;
            var shift = _format.LeafShift(leaf.Level, leaf.Entry);
            var own = new WalkResult(
                _format.LeafAddress(leaf.Level, leaf.Entry) + (input & ((1UL << shift) - 1)), shift, leaf.Protection);
            if (!_reader.TryResolve(own.Address, access, out var behind, out fault))
                return false;
            if (!TryMarkWritten(input, leaf, access, out var isChanged, out fault))
                return false;
            if (isChanged)
                continue;
            result = own.Then(behind);
            return true;
        }
    }

    /// <inheritdoc/>
    public bool TryRead(PhysicalAddress at, int bytes, out ulong entry, out WalkFault fault)
    {
        entry = 0;
        return TryWalkTable(at, WalkAccess.TableRead, out var place, out fault) && _reader.TryRead(place, bytes, out entry, out fault);
    }

    /// <inheritdoc/>
    public bool TryReplace(PhysicalAddress at, int bytes, ulong expected, ulong desired, out ulong found, out WalkFault fault)
    {
        found = 0;
        return TryWalkTable(at, WalkAccess.TableUpdate, out var place, out fault)
            && _reader.TryReplace(place, bytes, expected, desired, out found, out fault);
    }

    /// <inheritdoc/>
    public bool TryResolve(PhysicalAddress address, WalkAccess access, out WalkResult result, out WalkFault fault) =>
        TryWalk(address.Value, access, out result, out fault);

    /// <summary>Translates the place of an entry of another stage.</summary>
    private bool TryWalkTable(PhysicalAddress at, WalkAccess access, out PhysicalAddress place, out WalkFault fault)
    {
        var isFound = TryWalk(at.Value, access, out var page, out fault);
        place = page.Address;
        if (!isFound)
            fault = fault with { IsTableAccess = true };
        return isFound;
    }

    /// <summary>Finds the leaf for an address, sets its access flag and looks at its rights.</summary>
    private bool TryFind(ulong input, WalkAccess access, ref WalkStep step, out Leaf leaf, out WalkFault fault)
    {
        leaf = default;
        if (!IsInput(input))
            return Fails(WalkFaultKind.NotMapped, _rootLevel, input, out fault);
        var (table, level, links) = step.IsRoot ? new WalkStep(_root, _rootLevel, Protection.ReadWrite) : step;
        while (true)
        {
            var at = table + (IndexOf(level, input) * (ulong)_format.EntryBytes);
            if (!_reader.TryRead(at, _format.EntryBytes, out var entry, out fault))
                return Fails(level, input, ref fault);
            switch (_format.Classify(level, entry))
            {
                case EntryKind.Table when level + 1 < _format.Levels:
                    table = _format.TableAddress(level, entry);
                    if (!IsOutput(table))
                        return Fails(WalkFaultKind.AddressSize, level, input, out fault);
                    links = WalkResult.Within(links, _format.LinkProtection(level, entry));
                    level++;
                    continue;
                case EntryKind.Leaf:
                    break;
                default:
                    return Fails(WalkFaultKind.NotMapped, level, input, out fault);
            }

            if (!IsOutput(_format.LeafAddress(level, entry)))
                return Fails(WalkFaultKind.AddressSize, level, input, out fault);
            if ((_updates & TableUpdates.Accessed) == 0)
            {
                if (IsBarred(level, entry))
                    return Fails(WalkFaultKind.AccessFlag, level, input, out fault);
            }
            else if (!_format.IsAccessed(level, entry))
            {
                var used = _format.MakeAccessed(level, entry);
                if (!_reader.TryReplace(at, _format.EntryBytes, entry, used, out var found, out fault))
                    return Fails(level, input, ref fault);
                if (found != entry)
                    continue; // somebody changed it meanwhile: what it is now counts
                entry = used;
            }

            step = new WalkStep(table, level, links);
            leaf = new Leaf(at, level, entry, WalkResult.Within(_format.LeafProtection(level, entry), links));
            return access.IsAllowed(leaf.Protection) || Fails(WalkFaultKind.Permission, level, input, out fault);
        }
    }

    /// <summary>Whether the clear access flag takes a page's rights, as Arm's does and AMD's does not.</summary>
    private bool IsBarred(int level, ulong entry) => !_format.IsAccessed(level, entry)
        && (_format.LeafProtection(level, entry) & Protection.ReadWrite) == 0
        && (_format.LeafProtection(level, _format.MakeAccessed(level, entry)) & Protection.ReadWrite) != 0;

    /// <summary>Marks the page as written, if that is what happens and the unit keeps track.</summary>
    private bool TryMarkWritten(ulong input, in Leaf leaf, WalkAccess access, out bool isChanged, out WalkFault fault)
    {
        isChanged = false;
        fault = default;
        if (!access.IsWrite || (_updates & TableUpdates.Dirty) == 0)
            return true;
        var dirty = _format.MakeDirty(leaf.Level, leaf.Entry);
        if (dirty == leaf.Entry)
            return true;
        if (!_reader.TryReplace(leaf.At, _format.EntryBytes, leaf.Entry, dirty, out var found, out fault))
            return Fails(leaf.Level, input, ref fault);
        isChanged = found != leaf.Entry;
        return true;
    }

    private bool IsInput(ulong input)
    {
        if (input - _format.InputStart > ulong.MaxValue >> (64 - _format.InputBits))
            return false;
        var bits = _format.Shift(_rootLevel) + _format.IndexBits(_rootLevel); // what a table that grows reaches so far
        return _rootLevel == 0 || bits >= 64 || (input - _format.InputStart) >> bits == 0;
    }

    private bool IsOutput(PhysicalAddress address) => _format.OutputBits >= 64 || address.Value >> _format.OutputBits == 0;

    private ulong IndexOf(int level, ulong input) => (input >> _format.Shift(level)) & ((1UL << _format.IndexBits(level)) - 1);

    private bool Fails(WalkFaultKind kind, int level, ulong input, out WalkFault fault)
    {
        fault = new WalkFault(kind, _stage, level, input);
        return false;
    }

    /// <summary>The bus does not know whose entry it is; a stage behind has said already.</summary>
    private bool Fails(int level, ulong input, ref WalkFault fault)
    {
        if (fault.Stage == 0)
            fault = fault with { Stage = _stage, Level = level, Address = input };
        return false;
    }

    private readonly record struct Leaf(PhysicalAddress At, int Level, ulong Entry, Protection Protection);
}
