namespace Aperture.Acpi.Dmar;

/// <summary>Memory that devices use before an operating system and go on using (RMRR).</summary>
public sealed class DmarReservedMemory : DmarNode
{
    /// <summary>Its <see cref="DmarNode.Type"/>.</summary>
    public const ushort Code = 1;

    /// <summary>An empty one.</summary>
    public DmarReservedMemory() => Type = Code;

    /// <summary>Reserved.</summary>
    public ushort Reserved { get; set; }

    /// <summary>The PCI segment.</summary>
    public ushort Segment { get; set; }

    /// <summary>The first byte; a multiple of 4096.</summary>
    public ulong First { get; set; }

    /// <summary>The last byte; one less than a multiple of 4096.</summary>
    public ulong Last { get; set; }

    /// <summary>Which devices.</summary>
    public IList<DmarScope> Scopes { get; } = [];


    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        Reserved = fields.U16("Reserved", Reserved);
        Segment = fields.U16("Segment Number", Segment);
        First = fields.U64("Region Base Address", First);
        Last = fields.U64("Region Limit Address", Last);
        fields.List("device scope", -1, Scopes);
    }
}
