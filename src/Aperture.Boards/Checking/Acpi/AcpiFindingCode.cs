namespace Aperture.Boards.Checking.Acpi;

/// <summary>The codes of findings in ACPI tables. Scripts depend on them: a code never changes its meaning.</summary>
public static class AcpiFindingCode
{
    /// <summary>The bytes of a table do not add up to 0.</summary>
    public const string Checksum = "acpi-checksum";

    /// <summary>A table says that it has more or fewer nodes than there are.</summary>
    public const string Count = "acpi-count";

    /// <summary>Something refers to a node or a unit that is not there, or is of a kind that cannot be meant.</summary>
    public const string Reference = "acpi-reference";

    /// <summary>Ids are described twice, backwards, or beyond what there can be.</summary>
    public const string Ids = "acpi-ids";

    /// <summary>Ids of a bus are behind no unit.</summary>
    public const string LeftOut = "acpi-left-out";

    /// <summary>Reserved memory is empty, backwards, not whole pages, or overlaps another.</summary>
    public const string Reserved = "acpi-reserved";

    /// <summary>A unit has no registers, or those of another one.</summary>
    public const string Registers = "acpi-registers";

    /// <summary>A unit that takes all that nobody else names is not the last one.</summary>
    public const string Order = "acpi-order";

    /// <summary>A node is of a type that nothing is known of.</summary>
    public const string Unknown = "acpi-unknown";
}
