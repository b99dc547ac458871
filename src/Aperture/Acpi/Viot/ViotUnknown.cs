namespace Aperture.Acpi.Viot;

/// <summary>A node of a type that nothing is known of here; its bytes are kept.</summary>
public sealed class ViotUnknown : ViotNode
{
    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
    }
}
