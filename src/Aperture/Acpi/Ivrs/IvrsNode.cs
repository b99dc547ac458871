namespace Aperture.Acpi.Ivrs;

/// <summary>A block of the table.</summary>
public abstract class IvrsNode : AcpiNode
{
    /// <summary>Which kind of block it is.</summary>
    public byte Type { get; set; }

    /// <summary>Flags; see the kinds.</summary>
    public byte Flags { get; set; }

    /// <summary>Bytes, as the block says; written anew with the table.</summary>
    public ushort Length { get; private set; }

    /// <summary>A PCI function: of a unit its own, of memory the first or only device that it is for.</summary>
    public ushort DeviceId { get; set; }

    /// <inheritdoc/>
    public sealed override void Describe(AcpiFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        Type = fields.U8("Type", Type);
        Flags = fields.U8("Flags", Flags);
        Length = fields.U16("Length", Length);
        DeviceId = fields.U16("DeviceID", DeviceId);
        DescribeBody(fields);
    }

    /// <summary>Goes over what follows.</summary>
    protected abstract void DescribeBody(AcpiFields fields);
}
