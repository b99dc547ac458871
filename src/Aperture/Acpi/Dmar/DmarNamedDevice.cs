using System.Text;

namespace Aperture.Acpi.Dmar;

/// <summary>A device of the ACPI name space that does DMA (ANDD).</summary>
public sealed class DmarNamedDevice : DmarNode
{
    /// <summary>Its <see cref="DmarNode.Type"/>.</summary>
    public const ushort Code = 4;

    /// <summary>An empty one.</summary>
    public DmarNamedDevice() => Type = Code;

    private byte[] _reserved = [];
    private byte[] _name = [];

    /// <summary>By which number scopes name it.</summary>
    public byte DeviceNumber { get; set; }

    /// <summary>Its path in the name space.</summary>
    public string Path
    {
        get => Encoding.ASCII.GetString(_name).TrimEnd('\0');
        set => _name = Encoding.ASCII.GetBytes(value + '\0');
    }


    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        _reserved = fields.Reserved(3, _reserved);
        DeviceNumber = fields.U8("ACPI Device Number", DeviceNumber);
        _name = fields.Bytes("ACPI Object Name", -1, _name);
    }
}
