namespace Aperture.Acpi.Iort;

/// <summary>One number of an array.</summary>
public sealed class IortNumber : AcpiStructure
{
    /// <summary>The number.</summary>
    public uint Value { get; set; }

    /// <inheritdoc/>
    public override void Describe(AcpiFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        Value = fields.U32("Value", Value);
    }
}
