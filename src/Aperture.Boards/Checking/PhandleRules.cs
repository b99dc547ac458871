using System.Globalization;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>Phandles are unique, and interrupts have somewhere to go.</summary>
internal static class PhandleRules
{
    internal static void Check(CheckContext context)
    {
        foreach (var node in context.Nodes)
        {
            if (node.Phandle is { } phandle && context.Tree.FindByPhandle(phandle) is { } owner && owner != node)
                context.Error(
                    FindingCode.Phandle,
                    node,
                    $"phandle {Hex(phandle)} belongs to {owner.Path} already: references to it are "
                        + "ambiguous; give this node a number of its own");
            if (!node.IsPresent || (!context.IsUnit(node) && !node.Has("iommus")))
                continue;
            var interrupts = node.Interrupts();
            if (interrupts.Length == 0 && context.Modelled.ContainsKey(node))
                context.Error(
                    FindingCode.Supplier,
                    node,
                    $"has no interrupt: a {context.Units[node]!.Family} reports faults by one, and "
                        + "cannot be driven without; add interrupts");
            if (interrupts.Length == 0 || interrupts[^1].IsValid)
                continue;
            var bad = interrupts[^1];
            if (bad.Error == PhandleError.Unresolved)
                context.Error(
                    FindingCode.Phandle,
                    node,
                    "its interrupts lead to no controller: point interrupt-parent, here or above, at a node that exists");
            else if (bad.Error != PhandleError.Empty)
                context.Error(
                    FindingCode.Cells,
                    node,
                    $"its interrupts do not fit the controller{(bad.Target is { } t ? " " + t.Path : "")}: give each as "
                        + "many cells as #interrupt-cells there says");
        }
    }

    internal static string Hex(uint value) => string.Create(CultureInfo.InvariantCulture, $"0x{value:x}");
}
