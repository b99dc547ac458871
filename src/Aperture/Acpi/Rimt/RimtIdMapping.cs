namespace Aperture.Acpi.Rimt;

/// <summary>A range of ids of a node and what they are at a unit.</summary>
public sealed class RimtIdMapping : AcpiStructure
{
    /// <summary>The first id.</summary>
    public uint SourceBase { get; set; }

    /// <summary>How many there are: the number itself, unlike IORT's.</summary>
    public uint Count { get; set; }

    /// <summary>The first one's device id at the unit.</summary>
    public uint DestinationBase { get; set; }

    /// <summary>The unit: its offset in the table.</summary>
    public uint DestinationOffset { get; set; }

    /// <summary>Bit 0: ATS is required; 1: page requests are.</summary>
    public uint Flags { get; set; }

    /// <inheritdoc/>
    public override void Describe(AcpiFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        SourceBase = fields.U32("Source ID base", SourceBase);
        Count = fields.U32("Number of IDs", Count);
        DestinationBase = fields.U32("Destination Device ID Base", DestinationBase);
        DestinationOffset = fields.U32("Destination IOMMU Offset", DestinationOffset);
        Flags = fields.U32("Flags", Flags);
    }
}
