namespace Aperture.Acpi;

/// <summary>A part of an ACPI table that says of what type and how long it is.</summary>
public abstract class AcpiNode : AcpiStructure
{
    /// <summary>Where it was read from, in bytes from the beginning of the table; 0 for one that was not read.</summary>
    public int Offset { get; internal set; }

    /// <summary>Bytes that the node says it has and that nothing here is made of: later revisions put more there.</summary>
    public byte[] Rest { get; internal set; } = [];
}
