namespace Aperture.Acpi.Viot;

/// <summary>A device with registers behind a unit.</summary>
public sealed class ViotMmioEndpoint : ViotNode
{
    /// <summary>Its <see cref="ViotNode.Type"/>.</summary>
    public const byte Code = 2;

    private byte[] _reserved = [];

    /// <summary>An empty one.</summary>
    public ViotMmioEndpoint() => Type = Code;

    /// <summary>Its endpoint id.</summary>
    public uint Endpoint { get; set; }

    /// <summary>Where its registers are.</summary>
    public ulong Address { get; set; }

    /// <summary>The unit: its offset in the table.</summary>
    public ushort OutputNode { get; set; }

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        Endpoint = fields.U32("Endpoint", Endpoint);
        Address = fields.U64("Base address", Address);
        OutputNode = fields.U16("Output node", OutputNode);
        _reserved = fields.Reserved(6, _reserved);
    }
}
