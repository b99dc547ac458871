namespace Aperture.Acpi.Dmar;

/// <summary>Devices inside the root complex that use translations of their own (SATC).</summary>
public sealed class DmarIntegratedAts : DmarNode
{
    /// <summary>Its <see cref="DmarNode.Type"/>.</summary>
    public const ushort Code = 5;

    /// <summary>An empty one.</summary>
    public DmarIntegratedAts() => Type = Code;

    /// <summary>Bit 0: the devices need ATS to work.</summary>
    public byte Flags { get; set; }

    /// <summary>Reserved.</summary>
    public byte Reserved { get; set; }

    /// <summary>The PCI segment.</summary>
    public ushort Segment { get; set; }

    /// <summary>Which devices.</summary>
    public IList<DmarScope> Scopes { get; } = [];


    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        Flags = fields.U8("Flags", Flags);
        Reserved = fields.U8("Reserved", Reserved);
        Segment = fields.U16("Segment Number", Segment);
        fields.List("device scope", -1, Scopes);
    }
}
