using Aperture.Boards.Units;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>Units are of a kind that is known and say how they are referred to.</summary>
internal static class UnitRules
{
    // More masters than these are counted.
    private const int MostNamed = 4;

    internal static void Check(CheckContext context)
    {
        foreach (var (unit, kind) in context.Units)
        {
            if (IsOlder(context, unit, kind))
                continue;
            CheckCells(context, unit, kind);
            CheckPresence(context, unit, kind);
            if (kind?.TableBits < 64 && context.IsBooted(unit) && context.Memory.Ram.Count > 0
                && context.Memory.Ram.All(ram => ram.Start.Value >> kind.TableBits != 0))
                context.Error(
                    FindingCode.Memory, unit, $"its page tables lie below 2^{kind.TableBits}, where there is no RAM "
                        + $"({context.Memory.Ram[0]}): it cannot "
                        + "translate; correct the memory node");
            if (context.Modelled.TryGetValue(unit, out var modelled))
                modelled.Check(new UnitCheck(context, unit));
            else if (kind is null)
                context.Warning(
                    FindingCode.UnknownUnit,
                    unit,
                    $"no driver is known for {Compatible(unit)}: its masters are left alone; check the compatible string");
            else
                context.Info(
                    FindingCode.UnknownUnit,
                    unit,
                    $"{kind.Family} ({Compatible(unit)}) is known but not modelled yet: its masters are skipped");
        }
    }

    /// <summary>Trees from before <c>iommus</c>, and vendors' own, describe who is behind a unit in other ways.</summary>
    private static bool IsOlder(CheckContext context, DeviceTreeNode unit, UnitBinding? kind)
    {
        if (unit.Has("#iommu-cells") || (!unit.Has("mmu-masters") && kind?.IsOlder != true))
            return false;
        var binding = unit.Has("mmu-masters") ? "mmu-masters, the binding before iommus" : $"{kind!.Family}, a vendor's own or older "
            + "binding";
        context.Info(
            FindingCode.OlderBinding,
            unit,
            $"says by {binding} who is behind it: that is not judged, and nothing is confined here; today's trees have #iommu-cells "
                + "in the unit "
                + "and iommus in its masters");
        return true;
    }

    private static void CheckCells(CheckContext context, DeviceTreeNode unit, UnitBinding? kind)
    {
        if (kind?.IsReferredTo == false)
            return;
        var cells = unit.U32("#iommu-cells");
        if (cells is null)
        {
            context.Problem(
                FindingCode.IommuCells,
                unit,
                $"has no #iommu-cells{(unit.Has("#iommu-cells") ? " of four bytes" : "")}: no master can refer to it; add "
                    + $"#iommu-cells = <{kind?.MinimumCells ?? 1}>");
        }
        else if (kind is not null && (cells < kind.MinimumCells || cells > kind.MaximumCells))
        {
            var wanted = kind.MinimumCells == kind.MaximumCells
                ? $"{kind.MinimumCells}"
                : $"{kind.MinimumCells} or {kind.MaximumCells}";
            context.Problem(
                FindingCode.Cells,
                unit,
                $"#iommu-cells is {cells}, but a {kind.Family} takes {wanted}: set it to that, and the references to it alike");
        }
    }

    /// <summary>A unit that is off stands in the way of its masters, or it does not; then they work, and nothing confines them.</summary>
    private static void CheckPresence(CheckContext context, DeviceTreeNode unit, UnitBinding? kind)
    {
        if (unit.IsPresent)
        {
            if (context.Modelled.ContainsKey(unit) && !context.Devices.Contains(unit))
            {
                context.Error(
                    FindingCode.Bus,
                    unit,
                    $"is on no bus, so nothing makes a device of it: "
                        + (unit.Parent is { } bus ? $"give {bus.Path} ranges, or compatible = \"simple-bus\""
                            : "describe it below the root"));
            }

            return;
        }

        var masters = context.MastersOf(unit);
        if (masters.Count == 0)
            return;
        var off = unit;
        while (off.IsEnabled && off.Parent is not null)
            off = off.Parent;
        var who = $"{string.Join(", ", masters.Take(MostNamed).Select(master => master.Path))}"
            + (masters.Count > MostNamed ? $" and {masters.Count - MostNamed} more" : "");
        var isFirmwares = off.String("status") == "reserved";
        if (kind?.BlocksWhenOff == true && !isFirmwares)
        {
            context.Error(
                FindingCode.Disabled,
                unit,
                $"is disabled, and a {kind.Family} that nobody drives lets no DMA of {who} through: set status = \"okay\" in "
                    + $"{off.Path}, or "
                    + "disable them");
            return;
        }

        context.Warning(
            FindingCode.Disabled,
            unit,
            isFirmwares
                ? $"is firmware's own, so {who} are confined by what firmware set up, if at all: nothing here translates for them"
                : $"is disabled, so {who} are not confined: their DMA passes it untranslated; set status = \"okay\" in {off.Path} if "
                    + "it is to "
                    + "translate");
    }

    internal static string Compatible(DeviceTreeNode unit) =>
        unit.Compatible is [var first, ..] ? $"'{first}'" : "a unit without compatible";
}
