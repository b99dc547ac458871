using System.Globalization;
using Aperture.Boards.Units;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>Ids tell masters apart and are ones that the unit has. Where references have a mask, an id is the set of all that differ from
/// it in the mask's bits only.</summary>
internal static class IdRules
{
    // More sets than these on one unit are not compared with each other, which bounds the work on a hostile tree.
    private const int MostSets = 512;

    internal static void Check(CheckContext context)
    {
        var owners = new Dictionary<(DeviceTreeNode Unit, string Id), DeviceTreeNode>(); // the first enabled master that lists an id
        var sets = new Dictionary<DeviceTreeNode, List<(uint Id, uint Mask, DeviceTreeNode Master)>>(); // of units with masks
        foreach (var master in context.Masters)
        {
            var own = new HashSet<(DeviceTreeNode, string)>();
            foreach (var entry in master.Iommus())
            {
                if (!entry.IsValid || !context.Units.TryGetValue(entry.Target, out var kind))
                    continue;
                CheckRange(context, master, entry, kind);
                var id = (entry.Target, Name(entry));
                if (!own.Add(id))
                    context.Warning(
                        FindingCode.IdDuplicate, master, $"lists{Of(id.Item2)} {entry.Target.Path} twice: remove one", entry.Target);
                else if (master.IsPresent && entry.Target.IsPresent)
                    CheckShared(context, master, entry, kind, owners, sets);
            }
        }
    }

    private static void CheckShared(
        CheckContext context,
        DeviceTreeNode master,
        in PhandleReference entry,
        UnitBinding? kind,
        Dictionary<(DeviceTreeNode Unit, string Id), DeviceTreeNode> owners,
        Dictionary<DeviceTreeNode, List<(uint Id, uint Mask, DeviceTreeNode Master)>> sets)
    {
        var unit = entry.Target!;
        if (kind?.HasMasks != true || entry.Arguments is not [var id, .. var rest])
        {
            var name = Name(entry);
            if (!owners.TryAdd((unit, name), master) && owners[(unit, name)] is var owner && owner != master)
                Tell(owner, Of(name));
            return;
        }

        var mask = rest is [var given, ..] ? given : 0;
        if (!sets.TryGetValue(unit, out var known))
            sets.Add(unit, known = []);
        if (known.Find(set => set.Master != master && ((set.Id ^ id) & ~(set.Mask | mask)) == 0) is { Master: { } other } found)
            Tell(other, found.Id == id ? Of(Hex(id)) : $" ids with {Hex(found.Id)}, mask {Hex(found.Mask)}, of");
        if (known.Count < MostSets)
            known.Add((id, mask, master));

        void Tell(DeviceTreeNode owner, string what) => context.Warning(
            FindingCode.IdDuplicate,
            master,
            what.Length == 0
                ? $"shares the unit {unit.Path} with {owner.Path}: it serves a single master, so neither is confined from the other"
                : $"shares{what} {unit.Path} with {owner.Path}: neither is confined from the other; give each its own id, if it has one",
            unit);
    }

    private static void CheckRange(CheckContext context, DeviceTreeNode master, in PhandleReference entry, UnitBinding? kind)
    {
        if (kind is not { MaximumCells: > 0 } || entry.Arguments is not [var id, ..] || kind.HasId(id))
            return;
        context.Problem(
            FindingCode.IdRange,
            master,
            id > kind.MaximumId
                ? $"id {id} is beyond what {entry.Target!.Path} can tell apart: a {kind.Family} has ids 0 to {kind.MaximumId}"
                : $"id {id} is none of those that {entry.Target!.Path} has: {string.Join(", ", kind.Ids!.Order())}",
            entry.Target);
    }

    private static string Of(string id) => id.Length == 0 ? "" : $" id {id} of";

    private static string Hex(uint value) => string.Create(CultureInfo.InvariantCulture, $"0x{value:x}");

    private static string Name(in PhandleReference entry) =>
        string.Join(' ', entry.Arguments.Select(argument => argument.ToString(CultureInfo.InvariantCulture)));
}
