namespace Aperture.Acpi.Iort;

/// <summary>A piece of reserved memory.</summary>
public sealed class IortMemoryRange : AcpiStructure
{
    /// <summary>The first byte; a multiple of 64 KiB.</summary>
    public ulong Address { get; set; }

    /// <summary>Bytes; a multiple of 64 KiB.</summary>
    public ulong Length { get; set; }

    /// <summary>Reserved.</summary>
    public uint Reserved { get; set; }

    /// <inheritdoc/>
    public override void Describe(AcpiFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        Address = fields.U64("Physical Range offset", Address);
        Length = fields.U64("Physical Range length", Length);
        Reserved = fields.U32("Reserved", Reserved);
    }
}
