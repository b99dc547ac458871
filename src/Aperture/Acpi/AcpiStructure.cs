namespace Aperture.Acpi;

/// <summary>A part of an ACPI table.</summary>
public abstract class AcpiStructure
{
    /// <summary>Goes over the fields in the order in which they lie in memory.</summary>
    /// <param name="fields">Reads, writes or prints them.</param>
    public abstract void Describe(AcpiFields fields);
}
