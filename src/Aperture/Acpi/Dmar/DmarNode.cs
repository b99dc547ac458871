namespace Aperture.Acpi.Dmar;

/// <summary>A remapping structure.</summary>
public abstract class DmarNode : AcpiNode
{
    /// <summary>Which kind of structure it is.</summary>
    public ushort Type { get; private protected set; }

    /// <summary>Bytes, as the structure says; written anew with the table.</summary>
    public ushort Length { get; private set; }

    /// <inheritdoc/>
    public sealed override void Describe(AcpiFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        Type = fields.U16("Type", Type);
        Length = fields.U16("Length", Length);
        DescribeBody(fields);
    }

    /// <summary>Goes over what follows type and length.</summary>
    protected abstract void DescribeBody(AcpiFields fields);
}
