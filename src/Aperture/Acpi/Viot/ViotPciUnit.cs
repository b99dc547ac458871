namespace Aperture.Acpi.Viot;

/// <summary>A virtio-iommu that is a PCI function.</summary>
public sealed class ViotPciUnit : ViotNode
{
    /// <summary>Its <see cref="ViotNode.Type"/>.</summary>
    public const byte Code = 3;

    private byte[] _reserved = [];

    /// <summary>An empty one.</summary>
    public ViotPciUnit() => Type = Code;

    /// <summary>The PCI segment.</summary>
    public ushort Segment { get; set; }

    /// <summary>Bus, device and function.</summary>
    public ushort Function { get; set; }

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        Segment = fields.U16("PCI Segment", Segment);
        Function = fields.U16("PCI BDF number", Function);
        _reserved = fields.Reserved(8, _reserved);
    }
}
