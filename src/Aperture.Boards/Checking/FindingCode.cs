namespace Aperture.Boards.Checking;

/// <summary>The codes of findings. Scripts depend on them: a code never changes its meaning.</summary>
public static class FindingCode
{
    /// <summary>A reference leads to no node, or two nodes have one phandle.</summary>
    public const string Phandle = "phandle";

    /// <summary>A reference has the wrong number of arguments.</summary>
    public const string Cells = "cells";

    /// <summary>A unit does not say how many arguments a reference to it has.</summary>
    public const string IommuCells = "iommu-cells";

    /// <summary>Enabled masters refer to a disabled unit.</summary>
    public const string Disabled = "disabled";

    /// <summary>No driver is known for a unit.</summary>
    public const string UnknownUnit = "unknown-unit";

    /// <summary>Two masters, or one master twice, have the same id on a unit.</summary>
    public const string IdDuplicate = "id-duplicate";

    /// <summary>An id is beyond what the unit can tell apart.</summary>
    public const string IdRange = "id-range";

    /// <summary>A unit has no context bank, more than there can be, or fewer than it has masters.</summary>
    public const string Banks = "banks";

    /// <summary>Registers are missing, malformed or overlap.</summary>
    public const string Reg = "reg";

    /// <summary>There is no memory where a unit's page tables could lie.</summary>
    public const string Memory = "memory";

    /// <summary>A clock, power domain, reset or memory region is not there.</summary>
    public const string Supplier = "supplier";

    /// <summary>A reserved region overlaps another one or is not in RAM.</summary>
    public const string Reserved = "reserved";

    /// <summary>An <c>iommu-map</c> is malformed.</summary>
    public const string IommuMap = "iommu-map";

    /// <summary>An <c>iommu-addresses</c> is malformed, overlaps itself, or keeps nothing.</summary>
    public const string IommuAddresses = "iommu-addresses";

    /// <summary>Names do not fit the list that they name, lack what the kind of unit needs, or a property is misspelt.</summary>
    public const string Names = "names";

    /// <summary>A node's unit address is not that of its registers.</summary>
    public const string UnitAddress = "unit-address";

    /// <summary>Something is there, and what usually stands beside it is not: a unit without masters, a master without <c>iommus</c> among
    /// its like, ids of a bus that lead to no unit.</summary>
    public const string Forgotten = "forgotten";

    /// <summary>An older binding, which is not judged.</summary>
    public const string OlderBinding = "older-binding";

    /// <summary>An enabled unit is on no bus: nobody makes a device of it.</summary>
    public const string Bus = "bus";

    /// <summary>A device that was asked to be behind an IOMMU is not.</summary>
    public const string Required = "required";

    /// <summary>The tree is none of a board: an overlay, or a container of images.</summary>
    public const string NoBoard = "no-board";

    /// <summary>Devices wait for each other in a circle.</summary>
    public const string Cycle = "cycle";
}
