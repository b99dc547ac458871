using System.Collections.Immutable;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>Every entry of <c>iommus</c> leads to a unit that is there, with the arguments it asks for.</summary>
internal static class MasterRules
{
    internal static void Check(CheckContext context)
    {
        foreach (var master in context.Masters)
        {
            var entries = master.Iommus();
            if (master.Property("iommus") is { IsCells: false } list)
            {
                context.Problem(
                    FindingCode.Cells,
                    master,
                    $"iommus of {list.Value.Length} bytes is no whole number of cells: write it as a list of <&unit arguments>");
                continue;
            }

            if (entries.IsEmpty)
                context.Problem(FindingCode.Cells, master, "iommus is empty: list the units, or drop the property if its DMA passes none");
            for (var i = 0; i < entries.Length; i++)
                CheckEntry(context, master, entries, i);
        }
    }

    private static void CheckEntry(CheckContext context, DeviceTreeNode master, ImmutableArray<PhandleReference> entries, int index)
    {
        var entry = entries[index];
        var previous = index > 0 ? entries[index - 1].Target : null;
        var phandle = PhandleRules.Hex(entry.Phandle);
        switch (entry.Error)
        {
            case PhandleError.None when !context.IsUnit(entry.Target!):
                context.Problem(FindingCode.Phandle, master, $"iommus leads to {entry.Target!.Path}, which is no IOMMU: refer to the unit");
                break;
            case PhandleError.None:
                break;
            case PhandleError.Empty:
                context.Problem(FindingCode.Cells, master, $"entry {index} of iommus is 0, which is no "
                    + $"phandle{Surplus(previous)}", previous);
                break;
            case PhandleError.Unresolved:
                context.Problem(
                    FindingCode.Phandle,
                    master,
                    $"iommus refers to phandle {phandle}, which no node has: add the unit, or correct the reference",
                    previous);
                if (previous is not null)
                    context.Warning(
                        FindingCode.Cells, master, $"{phandle} in iommus may be meant as an argument{Surplus(previous)}", previous);
                break;
            case PhandleError.NoCells when previous is not null && !context.IsUnit(entry.Target!):
                context.Problem(
                    FindingCode.Cells, master, $"{phandle} in iommus is no IOMMU but {entry.Target!.Path}{Surplus(previous)}", previous);
                break;
            // The unit itself is told when its kind is known.
            case PhandleError.NoCells when !context.IsUnit(entry.Target!) || !entry.Target!.Has("#iommu-cells"):
                context.Problem(
                    FindingCode.IommuCells,
                    master,
                    $"iommus leads to {entry.Target!.Path}, which has no #iommu-cells: add it there, or refer to the unit that was meant");
                break;
            case PhandleError.NoCells:
                break;
            case PhandleError.TooManyCells:
                context.Problem(
                    FindingCode.Cells,
                    master,
                    $"the unit {entry.Target!.Path} asks for more than "
                        + $"{PhandleReference.MaximumArguments} arguments: correct its #iommu-cells",
                    entry.Target);
                break;
            default:
                context.Problem(
                    FindingCode.Cells,
                    master,
                    $"iommus ends inside the reference to {entry.Target!.Path}: give it the {entry.Target.U32("#iommu-cells")} "
                        + "arguments that "
                        + "its #iommu-cells asks for",
                    entry.Target);
                break;
        }
    }

    private static string Surplus(DeviceTreeNode? previous) => previous is null
        ? ": remove it"
        : $": a reference to {previous.Path} has {previous.U32("#iommu-cells")} arguments; correct the list, or #iommu-cells there";
}
