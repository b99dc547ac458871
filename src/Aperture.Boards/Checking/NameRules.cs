using Aperture.Boards.Units;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>Names fit the lists that they name, units have the clocks that their kind needs by name, and no property of a unit or a master
/// is misspelt.</summary>
internal static class NameRules
{
    // Lists, what says how many arguments an entry has, and their names.
    private static readonly (string List, string? Cells, string Names)[] s_lists =
    [
        ("iommus", "#iommu-cells", "iommu-names"),
        ("clocks", "#clock-cells", "clock-names"),
        ("resets", "#reset-cells", "reset-names"),
        ("power-domains", "#power-domain-cells", "power-domain-names"),
        ("memory-region", null, "memory-region-names"),
    ];

    private static readonly string[] s_keys =
    [
        .. s_lists.SelectMany(list => (string[])[list.List, list.Names]), "#iommu-cells", "iommu-map", "iommu-map-mask",
        "compatible", "status", "reg-names", "interrupts", "interrupt-names",
        "interrupt-parent", "interrupts-extended", "dma-coherent", "dma-noncoherent", "dma-ranges", "pasid-num-bits",
    ];

    internal static void Check(CheckContext context)
    {
        foreach (var node in context.Nodes)
        {
            var kind = context.Units.GetValueOrDefault(node);
            var isUnit = context.IsUnit(node);
            if (!node.IsPresent || (!isUnit && !node.Has("iommus") && !node.Has("iommu-map") && !MayBeMaster(node)))
                continue;
            var misspelt = CheckKeys(context, node);
            foreach (var (list, cells, names) in s_lists)
                CheckCount(context, node, list, cells, names);
            if (isUnit && kind is { Clocks.Count: > 0 })
                CheckClocks(context, node, kind, misspelt);
        }
    }

    // Such as has "iommu" for "iommus": the value is a list that begins with a unit, whatever it is called.
    private static bool MayBeMaster(DeviceTreeNode node) => !node.Compatible.IsEmpty && node.Properties.Any(property =>
        property is { IsEmpty: false, IsCells: true } && Spelling.Near(property.Name, ["iommus", "iommu-map"]) is not null
            && node.Tree.FindByPhandle(property.Cell(property.Name.Contains("map", StringComparison.Ordinal) ? 1 : 0)) is { } unit
            && unit.Has("#iommu-cells"));

    private static Dictionary<string, string> CheckKeys(CheckContext context, DeviceTreeNode node)
    {
        var misspelt = new Dictionary<string, string>();
        foreach (var property in node.Properties)
        {
            if (s_keys.Contains(property.Name) || Spelling.Near(property.Name, s_keys) is not { } meant || node.Has(meant))
                continue;
            misspelt.TryAdd(meant, property.Name);
            context.Warning(FindingCode.Names, node, $"has {property.Name}, which nobody reads: did you mean {meant}?");
        }

        return misspelt;
    }

    private static void CheckCount(CheckContext context, DeviceTreeNode node, string list, string? cells, string names)
    {
        if (node.Property(names) is not { } property)
            return;
        var (entries, count) = (node.References(list, cells), property.Strings().Length);
        if (entries.Any(entry => entry.Error is not (PhandleError.None or PhandleError.Empty)) || entries.Length == count)
            return;
        context.Warning(
            FindingCode.Names,
            node,
            $"{names} has {count} names for {entries.Length} entries of {list}: "
                + (count < entries.Length ? "those at the end have none; name them" : "those at the end name nothing; remove them"));
    }

    private static void CheckClocks(CheckContext context, DeviceTreeNode unit, UnitBinding kind, Dictionary<string, string> misspelt)
    {
        string[] names = [.. unit.Clocks().Where(clock => clock.Error != PhandleError.Empty).Select(clock => clock.Name ?? "")];
        var sets = string.Join(" or ", kind.Clocks.Select(set => string.Join(", ", set.Select(name => $"\"{name}\""))));
        if (!kind.HasClocks(names))
        {
            var mended = misspelt.GetValueOrDefault("clock-names") is { } other ? $"; did you mean clock-names by {other}?"
                : names.Select(name => (Name: name, Meant: Spelling.Near(name, kind.Clocks.SelectMany(set => set))))
                    .FirstOrDefault(name => name.Meant is not null) is { Meant: { } meant, Name: var wrong } ? $"; did you mean "
                        + $"\"{meant}\" by \"{wrong}\"?"
                : names.Length == 0 ? $"; add clocks and clock-names = {sets}" : "; name them in clock-names";
            context.Error(FindingCode.Names, unit, $"lacks clocks that a {kind.Family} cannot be driven without ({sets}){mended}");
        }
        else if (!kind.SwitchesAllClocks
            && names.FirstOrDefault(name => !kind.Clocks.Any(set => set.Contains(name)) && !kind.OtherClocks.Contains(name)) is { } unknown)
        {
            var known = kind.Clocks.SelectMany(set => set).Concat(kind.OtherClocks).ToArray();
            context.Error(
                FindingCode.Names,
                unit,
                $"has a clock {(unknown.Length == 0 ? "without a name" : $"\"{unknown}\"")}, which nobody switches on: a {kind.Family} has "
                    + $"{string.Join(", ", known.Select(name => $"\"{name}\""))}"
                    + (Spelling.Near(unknown, known) is { } meant ? $"; did you mean \"{meant}\"?" : "; name it in clock-names"));
        }
        else if (kind.MastersClocks.Any(names.Contains))
        {
            CheckMastersClocks(context, unit, kind);
        }
        else if (names.Length == 0)
        {
            context.Warning(
                FindingCode.Names,
                unit,
                $"has no clocks, as in older trees: it works only while somebody else keeps them on; add clocks and clock-names = {sets}");
        }
    }

    // Its driver has them on for its registers only.
    private static void CheckMastersClocks(CheckContext context, DeviceTreeNode unit, UnitBinding kind)
    {
        PhandleReference[] clocks = [.. unit.Clocks().Where(clock => clock.IsValid && kind.MastersClocks.Contains(clock.Name ?? ""))];
        DeviceTreeNode[] masters = [.. context.MastersOf(unit).Where(master => master.Has("iommus"))];
        var isHeld = masters.Any(master => master.Has("clocks"));
        foreach (var master in masters)
        {
            if (!isHeld)
            {
                context.Warning(
                    FindingCode.Names,
                    master,
                    $"has no clocks, and those of {unit.Path} run only while a master holds them: it works as long as a boot loader "
                        + "left them on; "
                        + "add them");
                continue;
            }

            var missing = clocks.FirstOrDefault(clock => !master.Clocks().Any(own => IsSame(own, clock)));
            if (missing.Target is not null)
            {
                context.Error(
                    FindingCode.Names,
                    master,
                    $"does not have the clock \"{missing.Name}\" of {unit.Path} among its own: the unit runs only while its master "
                        + "holds it; add "
                        + $"<&{missing.Target.BaseName}{string.Concat(missing.Arguments.Select(argument => $" {argument}"))}> to clocks");
            }
        }
    }

    private static bool IsSame(in PhandleReference one, in PhandleReference other) =>
        one.Target == other.Target && one.Arguments.AsSpan().SequenceEqual(other.Arguments.AsSpan());
}
