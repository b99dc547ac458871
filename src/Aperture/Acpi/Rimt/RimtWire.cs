namespace Aperture.Acpi.Rimt;

/// <summary>A wired interrupt of a unit.</summary>
public sealed class RimtWire : AcpiStructure
{
    /// <summary>Its number.</summary>
    public uint Number { get; set; }

    /// <summary>Bit 0: triggered by an edge; 1: active high.</summary>
    public uint Flags { get; set; }

    /// <inheritdoc/>
    public override void Describe(AcpiFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        Number = fields.U32("Interrupt Number", Number);
        Flags = fields.U32("Flags", Flags);
    }
}
