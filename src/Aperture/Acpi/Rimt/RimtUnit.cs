using System.Text;

namespace Aperture.Acpi.Rimt;

/// <summary>An IOMMU.</summary>
public sealed class RimtUnit : RimtNode
{
    /// <summary>Its <see cref="RimtNode.Type"/>.</summary>
    public const byte Code = 0;

    /// <summary>An empty one.</summary>
    public RimtUnit() => Type = Code;

    private byte[] _hardwareId = new byte[8];
    private byte[] _gap = [];
    private ushort _wireCount;
    private ushort _wireOffset;

    /// <summary>Its hardware id: 8 letters.</summary>
    public string HardwareId => Encoding.ASCII.GetString(_hardwareId).TrimEnd('\0');

    /// <summary>Where its registers are; 0 for a PCI function.</summary>
    public ulong Address { get; set; }

    /// <summary>Bit 0: it is a PCI function; 1: the proximity domain counts.</summary>
    public uint Flags { get; set; }

    /// <summary>The proximity domain.</summary>
    public uint ProximityDomain { get; set; }

    /// <summary>The PCI segment, of a PCI function.</summary>
    public ushort Segment { get; set; }

    /// <summary>Bus, device and function.</summary>
    public ushort Function { get; set; }

    /// <summary>Whether it is a PCI function.</summary>
    public bool IsPci => (Flags & 1) != 0;

    /// <summary>Its wired interrupts.</summary>
    public IList<RimtWire> Wires { get; } = [];

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        _hardwareId = fields.Bytes("Hardware ID", 8, _hardwareId);
        Address = fields.U64("Base Address", Address);
        Flags = fields.U32("Flags", Flags);
        ProximityDomain = fields.U32("Proximity Domain", ProximityDomain);
        Segment = fields.U16("PCIe Segment Number", Segment);
        Function = fields.U16("PCIe B/D/F", Function);
        _wireCount = fields.U16("Number of Interrupt Wires", Wires.Count == 0 ? _wireCount : (ushort)Wires.Count);
        _wireOffset = fields.U16("Interrupt Wire Array Offset", _wireOffset);
        if (_wireCount == 0)
            return;
        _gap = fields.Gap(_wireOffset, _gap);
        fields.List("interrupt wire", _wireCount, Wires);
    }
}
