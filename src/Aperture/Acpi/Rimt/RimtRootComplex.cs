namespace Aperture.Acpi.Rimt;

/// <summary>The root complex of a PCI segment.</summary>
public sealed class RimtRootComplex : RimtNode
{
    /// <summary>Its <see cref="RimtNode.Type"/>.</summary>
    public const byte Code = 1;

    /// <summary>An empty one.</summary>
    public RimtRootComplex() => Type = Code;

    private byte[] _gap = [];
    private ushort _mappingCount;

    /// <summary>Bit 0: devices may use translations of their own (ATS); 1: page requests.</summary>
    public uint Flags { get; set; }

    /// <summary>Reserved.</summary>
    public ushort Reserved { get; set; }

    /// <summary>The PCI segment.</summary>
    public ushort Segment { get; set; }

    /// <summary>Where in the node the mappings are, as it says.</summary>
    public ushort MappingOffset { get; set; }

    /// <summary>Which ids go to which unit.</summary>
    public IList<RimtIdMapping> Mappings { get; } = [];

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        Flags = fields.U32("Flags", Flags);
        Reserved = fields.U16("Reserved", Reserved);
        Segment = fields.U16("PCIe Segment Number", Segment);
        MappingOffset = fields.U16("ID Mapping Array Offset", MappingOffset);
        _mappingCount = fields.U16("Number of ID Mappings", Mappings.Count == 0 ? _mappingCount : (ushort)Mappings.Count);
        if (_mappingCount == 0)
            return;
        _gap = fields.Gap(MappingOffset, _gap);
        fields.List("ID mapping", _mappingCount, Mappings);
    }
}
