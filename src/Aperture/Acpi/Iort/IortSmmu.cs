namespace Aperture.Acpi.Iort;

/// <summary>An SMMU of version 1 or 2.</summary>
public sealed class IortSmmu : IortNode
{
    /// <summary>Its <see cref="IortNode.Type"/>.</summary>
    public const byte Code = 3;

    /// <summary>An empty one.</summary>
    public IortSmmu() => Type = Code;

    private const int GlobalCount = 2;
    private const int FirstArray = 60; // bytes before the arrays

    private uint _globalOffset;
    private uint _contextCount;
    private uint _contextOffset;
    private uint _counterCount;
    private uint _counterOffset;

    /// <summary>Where its registers are.</summary>
    public ulong Address { get; set; }

    /// <summary>Bytes that they take.</summary>
    public ulong Span { get; set; }

    /// <summary>0 version 1, 1 version 2, 2 MMU-400 or -401, 3 MMU-500, 4 MMU-401, 5 Cavium ThunderX.</summary>
    public uint Model { get; set; }

    /// <summary>Bit 0: what the device is allowed is checked (DVM); 1: table walks are coherent.</summary>
    public uint Flags { get; set; }

    /// <summary>Interrupts of the unit as a whole: faults and configuration faults, up to the contexts' array.</summary>
    public IList<IortInterrupt> GlobalInterrupts { get; } = [];

    /// <summary>Interrupts of contexts.</summary>
    public IList<IortInterrupt> ContextInterrupts { get; } = [];

    /// <summary>Interrupts of counters.</summary>
    public IList<IortInterrupt> CounterInterrupts { get; } = [];

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        Address = fields.U64("Base address", Address);
        Span = fields.U64("Span", Span);
        Model = fields.U32("Model", Model);
        Flags = fields.U32("Flags", Flags);
        _globalOffset = fields.U32("Reference to Global Interrupt Array", Place(_globalOffset, 0));
        _contextCount = fields.U32("Number of context interrupts", CountOf(ContextInterrupts, _contextCount));
        _contextOffset = fields.U32("Reference to Context Interrupt Array", Place(_contextOffset, GlobalCount));
        _counterCount = fields.U32("Number of PMU Interrupts", CountOf(CounterInterrupts, _counterCount));
        _counterOffset = fields.U32("Reference to PMU Interrupt Array", Place(_counterOffset, GlobalCount + ContextInterrupts.Count));
        fields.List("global interrupt", GlobalCount, GlobalInterrupts);
        fields.List("context interrupt", checked((int)Math.Min(_contextCount, int.MaxValue)), ContextInterrupts);
        fields.List("PMU interrupt", checked((int)Math.Min(_counterCount, int.MaxValue)), CounterInterrupts);
    }

    private static uint CountOf(IList<IortInterrupt> interrupts, uint said) => interrupts.Count == 0 ? said : (uint)interrupts.Count;

    /// <summary>Where an array is: as the node that was read says, and in one that was made behind so many interrupts.</summary>
    private uint Place(uint said, int interruptsBefore) =>
        Offset == 0 && said == 0 ? (uint)(FirstArray + (interruptsBefore * IortInterrupt.Bytes)) : said;
}
