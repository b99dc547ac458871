namespace Aperture.Acpi.Iort;

/// <summary>A node of the table: a unit, or somebody whose ids it maps.</summary>
public abstract class IortNode : AcpiNode
{
    private byte[] _gap = [];
    private uint _mappingCount;

    /// <summary>Which kind of node it is.</summary>
    public byte Type { get; private protected set; }

    /// <summary>Bytes, as the node says; written anew with the table.</summary>
    public ushort Length { get; private set; }

    /// <summary>The revision of the node's layout.</summary>
    public byte Revision { get; set; }

    /// <summary>A number of its own; zero in older tables.</summary>
    public uint Identifier { get; set; }

    /// <summary>Where in the node the mappings are, as it says.</summary>
    public uint MappingOffset { get; set; }

    /// <summary>To which node its ids go, and as what.</summary>
    public IList<IortIdMapping> Mappings { get; } = [];

    /// <inheritdoc/>
    public sealed override void Describe(AcpiFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        Type = fields.U8("Type", Type);
        Length = fields.U16("Length", Length);
        Revision = fields.U8("Revision", Revision);
        Identifier = fields.U32("Identifier", Identifier);
        _mappingCount = fields.U32("Number of ID mappings", Mappings.Count == 0 ? _mappingCount : (uint)Mappings.Count);
        MappingOffset = fields.U32("Reference to ID Array", MappingOffset);
        DescribeBody(fields);
        if (_mappingCount != 0)
        {
            _gap = fields.Gap(MappingOffset, _gap);
            fields.List("ID mapping", checked((int)Math.Min(_mappingCount, int.MaxValue)), Mappings);
        }

        DescribeEnd(fields);
    }

    /// <summary>Goes over what lies between the header and the mappings.</summary>
    protected abstract void DescribeBody(AcpiFields fields);

    /// <summary>Goes over what lies behind the mappings.</summary>
    protected virtual void DescribeEnd(AcpiFields fields)
    {
    }
}
