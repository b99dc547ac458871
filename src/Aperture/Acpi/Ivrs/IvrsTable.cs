namespace Aperture.Acpi.Ivrs;

/// <summary>IVRS: AMD's IOMMUs (AMD I/O Virtualization Technology specification 48882, section 5).</summary>
public sealed class IvrsTable : AcpiTable
{
    /// <summary>The signature.</summary>
    public const string Name = "IVRS";

    private static readonly AcpiNodeForm s_form = new(TypeBytes: 1, LengthOffset: 2, LengthBytes: 2);

    private byte[] _reserved = [];

    /// <inheritdoc/>
    public override string Signature => Name;

    /// <summary>IVinfo: bits 7:5 guest virtual address size, 14:8 physical, 21:15 virtual address size, 22 ATS response range
    /// reserved.</summary>
    public uint Info { get; set; }

    /// <summary>Units and memory, in their order.</summary>
    public IList<IvrsNode> Nodes { get; } = [];

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        Info = fields.U32("IVinfo", Info);
        _reserved = fields.Reserved(8, _reserved);
        fields.Nodes("IVRS block", s_form, type => Create((byte)type), Nodes);
    }

    private static IvrsNode Create(byte type) => type switch
    {
        IvrsUnit.Basic or IvrsUnit.Extended or IvrsUnit.Named => new IvrsUnit(),
        IvrsMemory.All or IvrsMemory.Select or IvrsMemory.Range => new IvrsMemory(),
        _ => new IvrsUnknown(),
    };
}
