using System.Text;

namespace Aperture.Acpi.Iort;

/// <summary>A device of the ACPI name space.</summary>
public sealed class IortNamedComponent : IortNode
{
    /// <summary>Its <see cref="IortNode.Type"/>.</summary>
    public const byte Code = 1;

    /// <summary>An empty one.</summary>
    public IortNamedComponent() => Type = Code;

    private byte[] _name = [];

    /// <summary>Bit 0: it may stall; bits 5:1 how many bits its process ids have.</summary>
    public uint Flags { get; set; }

    /// <summary>Bit 0 coherent; 32:56 hints; 57 and 56 what its accesses can be.</summary>
    public ulong MemoryProperties { get; set; }

    /// <summary>How many address bits it has.</summary>
    public byte AddressBits { get; set; }

    /// <summary>Its path in the name space.</summary>
    public string Path
    {
        get => Encoding.ASCII.GetString(_name).Split('\0')[0];
        set => _name = Encoding.ASCII.GetBytes(value + '\0');
    }

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        Flags = fields.U32("Node Flags", Flags);
        MemoryProperties = fields.U64("Memory access properties", MemoryProperties);
        AddressBits = fields.U8("Device memory address size limit", AddressBits);
        _name = fields.Bytes("Device object Name", Mappings.Count > 0 || MappingOffset > 0 ? fields.UpTo(MappingOffset) : -1, _name);
    }
}
