namespace Aperture.Acpi.Iort;

/// <summary>IORT: Arm's SMMUs, interrupt translation services and who is behind them (DEN0049).</summary>
public sealed class IortTable : AcpiTable
{
    /// <summary>The signature.</summary>
    public const string Name = "IORT";

    private static readonly AcpiNodeForm s_form = new(TypeBytes: 1, LengthOffset: 1, LengthBytes: 2);

    private uint _reserved;
    private byte[] _gap = [];

    /// <inheritdoc/>
    public override string Signature => Name;

    /// <summary>How many nodes there are, as the table says.</summary>
    public uint NodeCount { get; set; }

    /// <summary>Where they begin.</summary>
    public uint NodeOffset { get; set; }

    /// <summary>The nodes, in their order.</summary>
    public IList<IortNode> Nodes { get; } = [];

    /// <summary>The node at an offset in the table, which mappings refer to; null where none begins.</summary>
    public IortNode? NodeAt(uint offset) => Nodes.FirstOrDefault(node => (uint)node.Offset == offset);

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        NodeCount = fields.U32("Number of IORT Nodes", NodeCount);
        NodeOffset = fields.U32("Offset to Array of IORT Nodes", NodeOffset);
        _reserved = fields.U32("Reserved", _reserved);
        _gap = fields.Gap(NodeOffset, _gap);
        fields.Nodes("IORT node", s_form, type => Create((byte)type), Nodes);
    }

    private static IortNode Create(byte type) => type switch
    {
        IortItsGroup.Code => new IortItsGroup(),
        IortNamedComponent.Code => new IortNamedComponent(),
        IortRootComplex.Code => new IortRootComplex(),
        IortSmmu.Code => new IortSmmu(),
        IortSmmuV3.Code => new IortSmmuV3(),
        IortPerformanceCounter.Code => new IortPerformanceCounter(),
        IortReservedMemory.Code => new IortReservedMemory(),
        _ => new IortUnknown(),
    };
}
