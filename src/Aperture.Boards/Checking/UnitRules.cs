using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>Units are of a kind that is known and say how they are referred to.</summary>
internal static class UnitRules
{
    internal static void Check(CheckContext context)
    {
        foreach (var (unit, kind) in context.Units)
        {
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

    internal static string Compatible(DeviceTreeNode unit) =>
        unit.Compatible is [var first, ..] ? $"'{first}'" : "a unit without compatible";
}
