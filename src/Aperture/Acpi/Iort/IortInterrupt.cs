namespace Aperture.Acpi.Iort;

/// <summary>An interrupt of an SMMU.</summary>
public sealed class IortInterrupt : AcpiStructure
{
    /// <summary>Bytes of one.</summary>
    public const int Bytes = 8;

    /// <summary>Its number.</summary>
    public uint Number { get; set; }

    /// <summary>Bit 0: triggered by an edge, not a level.</summary>
    public uint Flags { get; set; }

    /// <inheritdoc/>
    public override void Describe(AcpiFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        Number = fields.U32("GSIV", Number);
        Flags = fields.U32("Flags", Flags);
    }
}
