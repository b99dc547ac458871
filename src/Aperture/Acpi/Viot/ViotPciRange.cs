namespace Aperture.Acpi.Viot;

/// <summary>PCI functions behind a unit.</summary>
public sealed class ViotPciRange : ViotNode
{
    /// <summary>Its <see cref="ViotNode.Type"/>.</summary>
    public const byte Code = 1;

    private byte[] _reserved = [];

    /// <summary>An empty one.</summary>
    public ViotPciRange() => Type = Code;

    /// <summary>The endpoint id of the first function; the others follow in their order.</summary>
    public uint FirstEndpoint { get; set; }

    /// <summary>The PCI segment of the first.</summary>
    public ushort FirstSegment { get; set; }

    /// <summary>And of the last.</summary>
    public ushort LastSegment { get; set; }

    /// <summary>The first function (bus, device, function).</summary>
    public ushort FirstFunction { get; set; }

    /// <summary>The last.</summary>
    public ushort LastFunction { get; set; }

    /// <summary>The unit: its offset in the table.</summary>
    public ushort OutputNode { get; set; }

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        FirstEndpoint = fields.U32("Endpoint start", FirstEndpoint);
        FirstSegment = fields.U16("PCI Segment start", FirstSegment);
        LastSegment = fields.U16("PCI Segment end", LastSegment);
        FirstFunction = fields.U16("PCI BDF start", FirstFunction);
        LastFunction = fields.U16("PCI BDF end", LastFunction);
        OutputNode = fields.U16("Output node", OutputNode);
        _reserved = fields.Reserved(6, _reserved);
    }
}
