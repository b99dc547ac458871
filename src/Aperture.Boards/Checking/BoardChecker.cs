using Aperture.Boards.Units;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>Checks how a board's device tree wires its IOMMUs: references, ids, registers, suppliers, reserved memory.</summary>
public static class BoardChecker
{
    /// <summary>Checks a board's tree with overlays. What is found in a node that an overlay added or changed, and is not found without the
    /// overlays, is told in the overlay's own node.</summary>
    /// <param name="board">The tree and its overlays.</param>
    /// <param name="kinds">As for <see cref="Check(DeviceTree, UnitList?)"/>.</param>
    /// <returns>The findings in the resulting tree's order.</returns>
    public static IReadOnlyList<Finding> Check(OverlaidTree board, UnitList? kinds = null)
    {
        ArgumentNullException.ThrowIfNull(board);
        var own = Flat(Check(board.Board, kinds)).Select(Key).ToHashSet();
        return [.. Check(board.Tree, kinds).Select(Told)];

        Finding Told(Finding finding)
        {
            var told = finding with { FollowUps = [.. finding.FollowUps.Select(Told)] };
            return own.Contains(Key(finding)) || !board.TryFindOrigin(finding.Node, out var origin)
                ? told
                : told with { Overlay = origin.Overlay, Node = origin.Node };
        }
    }

    /// <summary>Says which devices are not behind an enabled IOMMU although they are to be.</summary>
    /// <param name="tree">The tree.</param>
    /// <param name="patterns">Paths, names or <c>compatible</c> strings of devices; a <c>*</c> stands for any text. Each must mean one that
    /// is enabled, and each that is meant must have <c>iommus</c> or an <c>iommu-map</c>.</param>
    /// <returns>Errors only.</returns>
    public static IReadOnlyList<Finding> Require(DeviceTree tree, IEnumerable<string> patterns)
    {
        ArgumentNullException.ThrowIfNull(tree);
        ArgumentNullException.ThrowIfNull(patterns);
        return [.. patterns.SelectMany(pattern => RequiredMasters.Check(tree, pattern))];
    }

    private static IEnumerable<Finding> Flat(IEnumerable<Finding> findings) =>
        findings.SelectMany(finding => Flat(finding.FollowUps).Prepend(finding));

    private static (string Code, FindingSeverity Severity, string Node, string Message) Key(Finding finding) =>
        (finding.Code, finding.Severity, finding.Node, finding.Message);

    /// <summary>Checks a tree. A sound tree of a real board gives no errors.</summary>
    /// <param name="tree">The tree.</param>
    /// <param name="kinds">The kinds of IOMMU that have a model; those of Aperture when null.</param>
    /// <returns>The findings in the tree's order; empty when there is nothing to say.</returns>
    public static IReadOnlyList<Finding> Check(DeviceTree tree, UnitList? kinds = null)
    {
        ArgumentNullException.ThrowIfNull(tree);
        if (BoardForm.WhyNone(tree) is { } why)
            return [new Finding(FindingCode.NoBoard, FindingSeverity.Error, tree.Root.Path, why)];
        var context = new CheckContext(tree, kinds ?? UnitList.Default);
        PhandleRules.Check(context);
        UnitRules.Check(context);
        MasterRules.Check(context);
        IdRules.Check(context);
        RegisterRules.Check(context);
        SupplierRules.Check(context);
        ReservedRules.Check(context);
        IommuMapRules.Check(context);
        IommuAddressRules.Check(context);
        NameRules.Check(context);
        ForgottenRules.Check(context);
        CycleRules.Check(context);
        return context.Findings();
    }
}
