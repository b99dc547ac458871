namespace Aperture.Acpi.Iort;

/// <summary>A group of performance counters.</summary>
public sealed class IortPerformanceCounter : IortNode
{
    /// <summary>Its <see cref="IortNode.Type"/>.</summary>
    public const byte Code = 5;

    /// <summary>An empty one.</summary>
    public IortPerformanceCounter() => Type = Code;

    /// <summary>Page 0 of its registers.</summary>
    public ulong Address { get; set; }

    /// <summary>Its overflow interrupt; 0 for none.</summary>
    public uint Interrupt { get; set; }

    /// <summary>The node that it counts for: its offset in the table.</summary>
    public uint NodeReference { get; set; }

    /// <summary>Page 1 of its registers. Null in the first revision.</summary>
    public ulong? Page1Address { get; set; }

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        Address = fields.U64("Page 0 Base address", Address);
        Interrupt = fields.U32("Overflow interrupt GSIV", Interrupt);
        NodeReference = fields.U32("Node reference", NodeReference);
        if (fields.Has(Page1Address is not null, sizeof(ulong)) && (MappingOffset == 0 || fields.UpTo(MappingOffset) >= sizeof(ulong)))
            Page1Address = fields.U64("Page 1 Base address", Page1Address ?? 0);
    }
}
