namespace Aperture.Acpi.Dmar;

/// <summary>A structure of a type that nothing is known of here; its bytes are kept.</summary>
public sealed class DmarUnknown : DmarNode
{
    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
    }
}
