namespace Aperture.Acpi.Viot;

/// <summary>VIOT: virtio-iommu and who is behind it (ACPI 6.5, section 5.2.34).</summary>
public sealed class ViotTable : AcpiTable
{
    /// <summary>The signature.</summary>
    public const string Name = "VIOT";

    private static readonly AcpiNodeForm s_form = new(TypeBytes: 1, LengthOffset: 2, LengthBytes: 2);

    private byte[] _reserved = [];
    private byte[] _gap = [];

    /// <inheritdoc/>
    public override string Signature => Name;

    /// <summary>How many nodes there are, as the table says.</summary>
    public ushort NodeCount { get; set; }

    /// <summary>Where they begin.</summary>
    public ushort NodeOffset { get; set; }

    /// <summary>Units and endpoints, in their order.</summary>
    public IList<ViotNode> Nodes { get; } = [];

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        NodeCount = fields.U16("Node count", NodeCount);
        NodeOffset = fields.U16("Node offset", NodeOffset);
        _reserved = fields.Reserved(8, _reserved);
        _gap = fields.Gap(NodeOffset, _gap);
        fields.Nodes("VIOT node", s_form, type => Create((byte)type), Nodes);
    }

    private static ViotNode Create(byte type) => type switch
    {
        ViotPciRange.Code => new ViotPciRange(),
        ViotMmioEndpoint.Code => new ViotMmioEndpoint(),
        ViotPciUnit.Code => new ViotPciUnit(),
        ViotMmioUnit.Code => new ViotMmioUnit(),
        _ => new ViotUnknown(),
    };
}
