namespace Aperture.Acpi.Iort;

/// <summary>A node of a type that nothing is known of here; its bytes are kept.</summary>
public sealed class IortUnknown : IortNode
{
    private byte[] _body = [];

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        if (MappingOffset > 0)
            _body = fields.Gap(MappingOffset, _body);
    }
}
