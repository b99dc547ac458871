namespace Aperture.Acpi.Rimt;

/// <summary>A node of a type that nothing is known of here; its bytes are kept.</summary>
public sealed class RimtUnknown : RimtNode
{
    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
    }
}
