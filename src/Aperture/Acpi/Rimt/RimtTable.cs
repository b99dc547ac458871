namespace Aperture.Acpi.Rimt;

/// <summary>RIMT: RISC-V IOMMUs and who is behind them (RISC-V IO Mapping Table 1.0).</summary>
public sealed class RimtTable : AcpiTable
{
    /// <summary>The signature.</summary>
    public const string Name = "RIMT";

    private static readonly AcpiNodeForm s_form = new(TypeBytes: 1, LengthOffset: 2, LengthBytes: 2);

    private uint _reserved;
    private byte[] _gap = [];

    /// <inheritdoc/>
    public override string Signature => Name;

    /// <summary>How many nodes there are, as the table says.</summary>
    public uint NodeCount { get; set; }

    /// <summary>Where they begin.</summary>
    public uint NodeOffset { get; set; }

    /// <summary>The nodes, in their order.</summary>
    public IList<RimtNode> Nodes { get; } = [];

    /// <summary>The node at an offset in the table, which mappings refer to; null where none begins.</summary>
    public RimtNode? NodeAt(uint offset) => Nodes.FirstOrDefault(node => (uint)node.Offset == offset);

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        NodeCount = fields.U32("Number of RIMT Nodes", NodeCount);
        NodeOffset = fields.U32("Offset to RIMT Node Array", NodeOffset);
        _reserved = fields.U32("Reserved", _reserved);
        _gap = fields.Gap(NodeOffset, _gap);
        fields.Nodes("RIMT node", s_form, type => Create((byte)type), Nodes);
    }

    private static RimtNode Create(byte type) => type switch
    {
        RimtUnit.Code => new RimtUnit(),
        RimtRootComplex.Code => new RimtRootComplex(),
        RimtPlatformDevice.Code => new RimtPlatformDevice(),
        _ => new RimtUnknown(),
    };
}
