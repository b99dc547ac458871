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

    /// <summary>An enabled master is behind a disabled unit.</summary>
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

    /// <summary>A clock, power domain, reset or memory region is not there.</summary>
    public const string Supplier = "supplier";

    /// <summary>A reserved region overlaps another one or is not in RAM.</summary>
    public const string Reserved = "reserved";

    /// <summary>An <c>iommu-map</c> is malformed.</summary>
    public const string IommuMap = "iommu-map";

    /// <summary>An <c>iommu-addresses</c> is malformed, overlaps itself, or keeps nothing.</summary>
    public const string IommuAddresses = "iommu-addresses";

    /// <summary>Devices wait for each other in a circle.</summary>
    public const string Cycle = "cycle";
}
