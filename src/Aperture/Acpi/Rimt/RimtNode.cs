namespace Aperture.Acpi.Rimt;

/// <summary>A node of the table: a unit, or somebody whose ids it maps.</summary>
public abstract class RimtNode : AcpiNode
{
    private ushort _reserved;

    /// <summary>Which kind of node it is.</summary>
    public byte Type { get; private protected set; }

    /// <summary>The revision of the node's layout.</summary>
    public byte Revision { get; set; }

    /// <summary>Bytes, as the node says; written anew with the table.</summary>
    public ushort Length { get; private set; }

    /// <summary>A number of its own.</summary>
    public ushort Id { get; set; }

    /// <inheritdoc/>
    public sealed override void Describe(AcpiFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        Type = fields.U8("Type", Type);
        Revision = fields.U8("Revision", Revision);
        Length = fields.U16("Length", Length);
        _reserved = fields.U16("Reserved", _reserved);
        Id = fields.U16("ID", Id);
        DescribeBody(fields);
    }

    /// <summary>Goes over what follows.</summary>
    protected abstract void DescribeBody(AcpiFields fields);
}
