namespace Aperture.Acpi.Iort;

/// <summary>A PCI segment, or the root complex of one.</summary>
public sealed class IortRootComplex : IortNode
{
    /// <summary>Its <see cref="IortNode.Type"/>.</summary>
    public const byte Code = 2;

    /// <summary>An empty one.</summary>
    public IortRootComplex() => Type = Code;

    /// <summary>Bit 0 coherent; 32:56 hints; 57 and 56 what its accesses can be.</summary>
    public ulong MemoryProperties { get; set; }

    /// <summary>Bit 0: devices may use translations of their own (ATS); 1: page requests; 2: ATS of process ids.</summary>
    public uint AtsAttribute { get; set; }

    /// <summary>The PCI segment.</summary>
    public uint Segment { get; set; }

    /// <summary>How many address bits it has.</summary>
    public byte AddressBits { get; set; }

    /// <summary>Bits 4:0: how many bits its process ids have.</summary>
    public ushort PasidCapabilities { get; set; }

    /// <summary>Reserved.</summary>
    public byte Reserved { get; set; }

    /// <summary>Bit 0: process ids work. Null before revision 4.</summary>
    public uint? Flags { get; set; }

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        MemoryProperties = fields.U64("Memory access properties", MemoryProperties);
        AtsAttribute = fields.U32("ATS Attribute", AtsAttribute);
        Segment = fields.U32("PCI Segment number", Segment);
        AddressBits = fields.U8("Memory address size limit", AddressBits);
        PasidCapabilities = fields.U16("PASID Capabilities", PasidCapabilities);
        Reserved = fields.U8("Reserved", Reserved);
        if (fields.Has(Flags is not null, sizeof(uint)) && (MappingOffset == 0 || fields.UpTo(MappingOffset) >= sizeof(uint)))
            Flags = fields.U32("Flags", Flags ?? 0);
    }
}
