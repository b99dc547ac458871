namespace Aperture.Acpi.Mcfg;

/// <summary>The configuration space of a range of buses.</summary>
public sealed class McfgAllocation : AcpiStructure
{
    /// <summary>Bytes of configuration space of a bus.</summary>
    public const uint BusBytes = 1 << 20;

    /// <summary>Where bus 0 of the segment is, or would be.</summary>
    public ulong Address { get; set; }

    /// <summary>The PCI segment.</summary>
    public ushort Segment { get; set; }

    /// <summary>The first bus.</summary>
    public byte FirstBus { get; set; }

    /// <summary>The last bus.</summary>
    public byte LastBus { get; set; }

    /// <summary>Reserved.</summary>
    public uint Reserved { get; set; }

    /// <summary>Where the first bus is.</summary>
    public ulong Start => Address + ((ulong)FirstBus * BusBytes);

    /// <summary>Bytes of all buses; 0 where the last comes before the first.</summary>
    public ulong Length => LastBus < FirstBus ? 0 : (ulong)(LastBus - FirstBus + 1) * BusBytes;

    /// <inheritdoc/>
    public override void Describe(AcpiFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        Address = fields.U64("Base Address", Address);
        Segment = fields.U16("PCI Segment Group Number", Segment);
        FirstBus = fields.U8("Start Bus Number", FirstBus);
        LastBus = fields.U8("End Bus Number", LastBus);
        Reserved = fields.U32("Reserved", Reserved);
    }
}
