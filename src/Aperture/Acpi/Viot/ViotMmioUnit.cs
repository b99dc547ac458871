namespace Aperture.Acpi.Viot;

/// <summary>A virtio-iommu with registers in memory.</summary>
public sealed class ViotMmioUnit : ViotNode
{
    /// <summary>Its <see cref="ViotNode.Type"/>.</summary>
    public const byte Code = 4;

    private byte[] _reserved = [];

    /// <summary>An empty one.</summary>
    public ViotMmioUnit() => Type = Code;

    /// <summary>Where they are.</summary>
    public ulong Address { get; set; }

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        _reserved = fields.Reserved(4, _reserved);
        Address = fields.U64("Base address", Address);
    }
}
