namespace Aperture.Acpi.Dmar;

/// <summary>Root ports behind which devices may use translations of their own (ATSR).</summary>
public sealed class DmarRootPortAts : DmarNode
{
    /// <summary>Its <see cref="DmarNode.Type"/>.</summary>
    public const ushort Code = 2;

    /// <summary>An empty one.</summary>
    public DmarRootPortAts() => Type = Code;

    /// <summary>Bit 0: all root ports of the segment.</summary>
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
