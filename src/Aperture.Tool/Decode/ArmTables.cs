using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Tool.Decode;

/// <summary>A run of pages that lead to memory one behind the other with the same rights.</summary>
/// <param name="First">The first address.</param>
/// <param name="Target">Where it leads.</param>
/// <param name="Bytes">How many bytes.</param>
/// <param name="PageShift">Log2 of a page.</param>
/// <param name="Protection">What is allowed.</param>
internal readonly record struct TableRun(ulong First, ulong Target, ulong Bytes, int PageShift, Protection Protection);

/// <summary>One entry that a walk read.</summary>
/// <param name="Level">The architecture's number of the level.</param>
/// <param name="Address">Where it lies.</param>
/// <param name="Entry">What it holds; null where the dump does not have it.</param>
internal readonly record struct TableStep(int Level, ulong Address, ulong? Entry);

/// <summary>Reads a word of memory.</summary>
/// <returns>False where there is none.</returns>
internal delegate bool WordReader(ulong address, out ulong word);

/// <summary>Tables of VMSAv8-64 in a dump.</summary>
/// <param name="format">Their format.</param>
/// <param name="root">The first table.</param>
/// <param name="read">Reads a word by an address as the tables have it.</param>
internal sealed class ArmTables(ArmLpaeFormat format, ulong root, WordReader read)
{
    private const int LastLevel = 3;

    /// <summary>Tables that links lead to and that the dump does not have.</summary>
    public int Missing { get; private set; }

    /// <summary>All that is mapped, lowest first.</summary>
    public IEnumerable<TableRun> Runs()
    {
        Missing = 0;
        TableRun? open = null;
        foreach (var page in Pages(root, 0, format.InputStart))
        {
            if (open is { } run && run.First + run.Bytes == page.First && run.Target + run.Bytes == page.Target
                && run.PageShift == page.PageShift && run.Protection == page.Protection)
            {
                open = run with { Bytes = run.Bytes + page.Bytes };
                continue;
            }

            if (open is { } ended)
                yield return ended;
            open = page;
        }

        if (open is { } last)
            yield return last;
    }

    /// <summary>Walks to an address.</summary>
    /// <param name="address">The address.</param>
    /// <param name="target">Where it leads; null for nowhere.</param>
    /// <returns>The entries that were read.</returns>
    public List<TableStep> Walk(ulong address, out (ulong Address, Protection Protection)? target)
    {
        target = null;
        var steps = new List<TableStep>();
        if (address - format.InputStart > ulong.MaxValue >> (64 - format.InputBits))
            return steps;
        var table = root;
        for (var level = 0; level < format.Levels; level++)
        {
            var at = table + ((address >> format.Shift(level) & ((1UL << format.IndexBits(level)) - 1)) * sizeof(ulong));
            var isThere = read(at, out var entry);
            steps.Add(new TableStep(LastLevel + 1 - format.Levels + level, at, isThere ? entry : null));
            switch (isThere ? format.Classify(level, entry) : EntryKind.Empty)
            {
                case EntryKind.Table:
                    table = format.TableAddress(level, entry).Value;
                    continue;
                case EntryKind.Leaf:
                    var mask = (1UL << format.LeafShift(level, entry)) - 1;
                    target = (format.LeafAddress(level, entry).Value + (address & mask), format.LeafProtection(level, entry));
                    return steps;
                default:
                    return steps;
            }
        }

        return steps;
    }

    private IEnumerable<TableRun> Pages(ulong table, int level, ulong start)
    {
        for (var i = 0UL; i < 1UL << format.IndexBits(level); i++)
        {
            if (!read(table + (i * sizeof(ulong)), out var entry))
            {
                Missing++;
                yield break;
            }

            var first = start + (i << format.Shift(level));
            switch (format.Classify(level, entry))
            {
                case EntryKind.Table:
                    foreach (var page in Pages(format.TableAddress(level, entry).Value, level + 1, first))
                        yield return page;
                    break;
                case EntryKind.Leaf:
                    var shift = format.LeafShift(level, entry);
                    if ((first & ((1UL << shift) - 1)) == 0)
                    {
                        yield return new TableRun(
                            first, format.LeafAddress(level, entry).Value, 1UL << shift, shift, format.LeafProtection(level, entry));
                    }

                    break;
            }
        }
    }
}
