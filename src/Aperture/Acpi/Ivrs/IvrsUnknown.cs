namespace Aperture.Acpi.Ivrs;

/// <summary>A block of a type that nothing is known of here; its bytes are kept.</summary>
public sealed class IvrsUnknown : IvrsNode
{
    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
    }
}
