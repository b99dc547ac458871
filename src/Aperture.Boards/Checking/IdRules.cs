using System.Collections.Immutable;
using System.Globalization;
using Aperture.Boards.Units;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>Ids tell masters apart and are ones that the unit has.</summary>
internal static class IdRules
{
    internal static void Check(CheckContext context)
    {
        // Who has an id: unit and arguments to the first enabled master that lists it.
        var owners = new Dictionary<(DeviceTreeNode Unit, string Id), DeviceTreeNode>();
        foreach (var master in context.Masters)
        {
            var own = new HashSet<(DeviceTreeNode, string)>();
            foreach (var entry in master.Iommus())
            {
                if (!entry.IsValid || !context.Units.TryGetValue(entry.Target, out var kind))
                    continue;
                CheckRange(context, master, entry, kind);
                var id = (entry.Target, Id(entry.Arguments));
                var name = entry.Arguments.IsEmpty ? "" : $" id {id.Item2} of";
                if (!own.Add(id))
                    context.Problem(FindingCode.IdDuplicate, master, $"lists{name} {entry.Target.Path} twice: remove one");
                else if (master.IsPresent && !owners.TryAdd(id, master))
                    CheckShared(context, master, owners[id], entry, kind, name);
            }
        }
    }

    private static void CheckShared(
        CheckContext context, DeviceTreeNode master, DeviceTreeNode owner, PhandleReference entry, UnitBinding? kind, string name)
    {
        // A unit of unknown kind may well be made for sharing.
        var shares = kind is null || kind.SharesIds;
        var message = entry.Arguments.IsEmpty
            ? $"shares the unit {entry.Target!.Path} with {owner.Path}, but it serves a single master: give each a unit of its own"
            : $"shares{name} {entry.Target!.Path} with {owner.Path}: neither is confined from the other; give each its own id";
        if (shares)
            context.Warning(FindingCode.IdDuplicate, master, message);
        else
            context.Error(FindingCode.IdDuplicate, master, message);
    }

    private static void CheckRange(CheckContext context, DeviceTreeNode master, PhandleReference entry, UnitBinding? kind)
    {
        if (kind is not { MaximumCells: > 0 } || entry.Arguments is not [var id, ..] || kind.HasId(id))
            return;
        context.Problem(FindingCode.IdRange, master, id > kind.MaximumId
            ? $"id {id} is beyond what {entry.Target!.Path} can tell apart: a {kind.Family} has ids 0 to {kind.MaximumId}"
            : $"id {id} is none of those that {entry.Target!.Path} has: {string.Join(", ", kind.Ids!.Order())}");
    }

    private static string Id(ImmutableArray<uint> arguments) =>
        string.Join(' ', arguments.Select(a => a.ToString(CultureInfo.InvariantCulture)));
}
