namespace Aperture.Acpi.Iort;

/// <summary>Memory that devices use before an operating system and go on using (RMR); its mappings say which.</summary>
public sealed class IortReservedMemory : IortNode
{
    /// <summary>Its <see cref="IortNode.Type"/>.</summary>
    public const byte Code = 6;

    /// <summary>An empty one.</summary>
    public IortReservedMemory() => Type = Code;

    private uint _count;
    private byte[] _between = [];

    /// <summary>Bit 0: the memory may be mapped elsewhere; 1: accesses are privileged; 9:2 attributes.</summary>
    public uint Flags { get; set; }

    /// <summary>Where in the node the memory is described, as it says.</summary>
    public uint RangeOffset { get; set; }

    /// <summary>The memory.</summary>
    public IList<IortMemoryRange> Ranges { get; } = [];

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        Flags = fields.U32("Flags", Flags);
        _count = fields.U32("Number of Memory Range Descriptors", Ranges.Count == 0 ? _count : (uint)Ranges.Count);
        RangeOffset = fields.U32("Reference to Memory Range Descriptors", RangeOffset);
        // Mappings come first in most tables, the memory in others.
        if (RangeOffset < MappingOffset || MappingOffset == 0)
            DescribeRanges(fields);
    }

    /// <inheritdoc/>
    protected override void DescribeEnd(AcpiFields fields)
    {
        if (RangeOffset >= MappingOffset && MappingOffset != 0)
            DescribeRanges(fields);
    }

    private void DescribeRanges(AcpiFields fields)
    {
        _between = fields.Gap(RangeOffset, _between);
        fields.List("memory range", checked((int)Math.Min(_count, int.MaxValue)), Ranges);
    }
}
