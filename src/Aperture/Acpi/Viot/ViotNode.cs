namespace Aperture.Acpi.Viot;

/// <summary>A node of the table.</summary>
public abstract class ViotNode : AcpiNode
{
    /// <summary>Which kind of node it is.</summary>
    public byte Type { get; private protected set; }

    /// <summary>Reserved.</summary>
    public byte Reserved { get; set; }

    /// <summary>Bytes, as the node says; written anew with the table.</summary>
    public ushort Length { get; private set; }

    /// <inheritdoc/>
    public sealed override void Describe(AcpiFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        Type = fields.U8("Type", Type);
        Reserved = fields.U8("Reserved", Reserved);
        Length = fields.U16("Length", Length);
        DescribeBody(fields);
    }

    /// <summary>Goes over what follows.</summary>
    protected abstract void DescribeBody(AcpiFields fields);
}
