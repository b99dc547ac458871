using Aperture.Boards.Units;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>Checks how a board's device tree wires its IOMMUs: references, ids, registers, suppliers, reserved memory.</summary>
public static class BoardChecker
{
    /// <summary>Checks a tree. A sound tree of a real board gives no errors.</summary>
    /// <param name="tree">The tree.</param>
    /// <param name="kinds">The kinds of IOMMU that have a model; those of Aperture when null.</param>
    /// <returns>The findings in the tree's order; empty when there is nothing to say.</returns>
    public static IReadOnlyList<Finding> Check(DeviceTree tree, UnitList? kinds = null)
    {
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
        CycleRules.Check(context);
        return context.Findings;
    }
}
