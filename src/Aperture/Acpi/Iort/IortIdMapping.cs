namespace Aperture.Acpi.Iort;

/// <summary>A range of ids of a node and what they are at another.</summary>
public sealed class IortIdMapping : AcpiStructure
{
    /// <summary>The first id.</summary>
    public uint InputBase { get; set; }

    /// <summary>How many there are, less one.</summary>
    public uint Count { get; set; }

    /// <summary>The first one's id at the output.</summary>
    public uint OutputBase { get; set; }

    /// <summary>The node that they go to: its offset in the table.</summary>
    public uint OutputReference { get; set; }

    /// <summary>Bit 0: a single mapping, for the node itself; the input does not count.</summary>
    public uint Flags { get; set; }

    /// <summary>Whether the mapping is for the node itself, which has no ids of its own.</summary>
    public bool IsSingle => (Flags & 1) != 0;

    /// <summary>The last id; may be beyond 32 bits where the table is wrong.</summary>
    public ulong InputLast => (ulong)InputBase + Count;

    /// <inheritdoc/>
    public override void Describe(AcpiFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        InputBase = fields.U32("Input base", InputBase);
        Count = fields.U32("Number of IDs", Count);
        OutputBase = fields.U32("Output base", OutputBase);
        OutputReference = fields.U32("Output Reference", OutputReference);
        Flags = fields.U32("Flags", Flags);
    }
}
