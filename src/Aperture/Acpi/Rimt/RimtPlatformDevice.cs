using System.Text;

namespace Aperture.Acpi.Rimt;

/// <summary>A device of the ACPI name space.</summary>
public sealed class RimtPlatformDevice : RimtNode
{
    /// <summary>Its <see cref="RimtNode.Type"/>.</summary>
    public const byte Code = 2;

    /// <summary>An empty one.</summary>
    public RimtPlatformDevice() => Type = Code;

    private byte[] _name = [];
    private byte[] _gap = [];
    private ushort _mappingCount;

    /// <summary>Its path in the name space.</summary>
    public string Path
    {
        get => Encoding.ASCII.GetString(_name).Split('\0')[0];
        set => _name = Encoding.ASCII.GetBytes(value + '\0');
    }

    /// <summary>Where in the node the mappings are, as it says.</summary>
    public ushort MappingOffset { get; set; }

    /// <summary>Which ids go to which unit.</summary>
    public IList<RimtIdMapping> Mappings { get; } = [];

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        MappingOffset = fields.U16("ID Mapping Array Offset", MappingOffset);
        _mappingCount = fields.U16("Number of ID Mappings", Mappings.Count == 0 ? _mappingCount : (ushort)Mappings.Count);
        _name = fields.Bytes("Device Object Name", _mappingCount > 0 ? fields.UpTo(MappingOffset) : -1, _name);
        if (_mappingCount == 0)
            return;
        _gap = fields.Gap(MappingOffset, _gap);
        fields.List("ID mapping", _mappingCount, Mappings);
    }
}
