namespace Aperture.Acpi.Dmar;

/// <summary>A remapping unit (DRHD).</summary>
public sealed class DmarUnit : DmarNode
{
    /// <summary>Its <see cref="DmarNode.Type"/>.</summary>
    public const ushort Code = 0;

    /// <summary>An empty one.</summary>
    public DmarUnit() => Type = Code;

    /// <summary>Bit 0: the unit is for all devices of its segment that no other unit names.</summary>
    public byte Flags { get; set; }

    /// <summary>Log2 of the 4 KiB pages that its registers take; older tables have 0 there.</summary>
    public byte Size { get; set; }

    /// <summary>The PCI segment.</summary>
    public ushort Segment { get; set; }

    /// <summary>Where its registers are; a multiple of 4096.</summary>
    public ulong Address { get; set; }

    /// <summary>Whether the unit is for all devices of its segment that no other unit names.</summary>
    public bool IncludesAll => (Flags & 1) != 0;

    /// <summary>Which devices.</summary>
    public IList<DmarScope> Scopes { get; } = [];


    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        Flags = fields.U8("Flags", Flags);
        Size = fields.U8("Size", Size);
        Segment = fields.U16("Segment Number", Segment);
        Address = fields.U64("Register Base Address", Address);
        fields.List("device scope", -1, Scopes);
    }
}
