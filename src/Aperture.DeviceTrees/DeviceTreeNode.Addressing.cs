using System.Collections.Immutable;
using Aperture.Core;

namespace Aperture.DeviceTrees;

// Addresses: cells, reg, ranges (Devicetree Specification 0.4, chapters 2.3.5 to 2.3.9).
public sealed partial class DeviceTreeNode
{
    /// <summary>How many entries of one <c>ranges</c> or <c>dma-ranges</c> are looked at; the rest counts as absent, which bounds the work
    /// on hostile input. Real trees stay below 300.</summary>
    public const int MaximumRanges = 1024;

    // The most cells an address or a size may have and still be understood; three is PCI.
    private const int MaximumCells = 4;

    // The parsed "reg"; default until first asked for.
    private ImmutableArray<RegisterBlock> _registers;

    // The parsed "ranges"; default until first asked for.
    private ImmutableArray<BusRange> _ranges;

    // The parsed "dma-ranges"; default until first asked for.
    private ImmutableArray<BusRange> _dmaRanges;

    /// <summary>How many cells an address of a child of this node has. A node without <c>#address-cells</c> has its parent's value, as
    /// drivers in the field have come to expect; a tree without any has the specification's default of 2.</summary>
    public uint AddressCells => Inherited("#address-cells", 2);

    /// <summary>How many cells a size of a child of this node has; inherited like <see cref="AddressCells"/>, default 1.</summary>
    public uint SizeCells => Inherited("#size-cells", 1);

    /// <summary>The blocks of <c>reg</c>; empty without one, or when its length is no multiple of an entry's.</summary>
    public ImmutableArray<RegisterBlock> Registers()
    {
        if (_registers.IsDefault)
            ImmutableInterlocked.InterlockedInitialize(ref _registers, ParseRegisters());
        return _registers;
    }

    /// <summary>The first block of <c>reg</c> as the CPU sees it; null when there is none or it cannot be translated.</summary>
    public PhysicalAddress? Address => Registers() is [{ Address: { } address }, ..] ? address : null;

    /// <summary>Translates an address on the bus that this node makes for its children into the CPU's: through the <c>ranges</c> of this
    /// node and every one above. An empty <c>ranges</c> is the identity; without one there is no way up and the result is null.</summary>
    public PhysicalAddress? TranslateChildAddress(ulong address) => TryTranslate(this, 0, address, out var cpu) ? new(cpu) : null;

    internal static bool TryTranslate(DeviceTreeNode bus, uint space, ulong address, out ulong cpu)
    {
        cpu = address;
        for (; bus.Parent is not null; bus = bus.Parent)
        {
            if (bus.Property("ranges") is not { } ranges)
                return false;
            if (!ranges.IsEmpty && !TryApply(bus.Ranges, ref space, ref cpu))
                return false;
        }
        return true;
    }

    // Towards memory: the same walk over dma-ranges, where a bus that says nothing passes addresses on unchanged.
    internal static bool TryTranslateDma(DeviceTreeNode bus, uint space, ulong address, out ulong cpu)
    {
        cpu = address;
        for (; bus.Parent is not null; bus = bus.Parent)
        {
            if (bus.Property("dma-ranges") is { IsEmpty: false } && !TryApply(bus.DmaRangeEntries, ref space, ref cpu))
                return false;
        }
        return true;
    }

    internal bool TryEntrySize(DeviceTreeProperty reg, out int addressCells, out int sizeCells)
    {
        (addressCells, sizeCells) = (0, 0);
        if (Parent is null || Parent.AddressCells is 0 or > MaximumCells || Parent.SizeCells > MaximumCells || !reg.IsCells || reg.IsEmpty)
            return false;
        (addressCells, sizeCells) = ((int)Parent.AddressCells, (int)Parent.SizeCells);
        return reg.CellCount % (addressCells + sizeCells) == 0;
    }

    /// <summary>How wide device addresses and sizes of this node are in <c>iommu-addresses</c>: as the node's own cell counts say, or its
    /// bus's. A node whose children have no sizes (the ports of a display) says nothing about its own.</summary>
    internal bool TryDmaCells(out int addressCells, out int sizeCells)
    {
        var node = SizeCells == 0 && Parent is { } parent ? parent : this;
        (addressCells, sizeCells) = ((int)Math.Min(node.AddressCells, int.MaxValue), (int)Math.Min(node.SizeCells, int.MaxValue));
        return addressCells is > 0 and <= MaximumCells && sizeCells is > 0 and <= MaximumCells;
    }

    internal ImmutableArray<BusRange> DmaRangeEntries => RangeEntries("dma-ranges", ref _dmaRanges);

    private ImmutableArray<BusRange> Ranges => RangeEntries("ranges", ref _ranges);

    // Two cells are a number; three are PCI's: what kind of space, then a number. Of four the upper ones must be zero to mean anything
    // here.
    internal static (uint Space, ulong Offset) ReadAddress(DeviceTreeProperty property, int cell, int cells) => cells switch
    {
        0 => (0, 0),
        1 => (0, property.Cell(cell)),
        2 => (0, (ulong)property.Cell(cell) << 32 | property.Cell(cell + 1)),
        3 => (property.Cell(cell) & 0x0300_0000, (ulong)property.Cell(cell + 1) << 32 | property.Cell(cell + 2)),
        _ => (property.Cell(cell) | property.Cell(cell + 1), (ulong)property.Cell(cell + 2) << 32 | property.Cell(cell + 3)),
    };

    private static bool TryApply(ImmutableArray<BusRange> ranges, ref uint space, ref ulong address)
    {
        foreach (var range in ranges)
        {
            if (range.Space == space && address - range.Child < range.Length)
            {
                address = range.Parent + (address - range.Child);
                space = range.ParentSpace;
                return true;
            }
        }
        return false;
    }

    private ImmutableArray<BusRange> RangeEntries(string name, ref ImmutableArray<BusRange> cache)
    {
        if (cache.IsDefault)
            ImmutableInterlocked.InterlockedInitialize(ref cache, ParseRanges(name));
        return cache;
    }

    private ImmutableArray<RegisterBlock> ParseRegisters()
    {
        if (Parent is null || Property("reg") is not { } reg || !TryEntrySize(reg, out var addressCells, out var sizeCells))
            return [];
        var stride = addressCells + sizeCells;
        var names = Property("reg-names")?.Strings() ?? [];
        var builder = ImmutableArray.CreateBuilder<RegisterBlock>(reg.CellCount / stride);
        for (int cell = 0, i = 0; cell < reg.CellCount; cell += stride, i++)
        {
            var (space, address) = ReadAddress(reg, cell, addressCells);
            var size = ReadAddress(reg, cell + addressCells, sizeCells).Offset;
            // A bus whose children have no sizes is not memory mapped: its addresses are chip selects and the like.
            PhysicalAddress? translated = sizeCells > 0 && TryTranslate(Parent, space, address, out var cpu) ? new PhysicalAddress(cpu)
                : null;
            builder.Add(new RegisterBlock(address, size, translated, i < names.Length ? names[i] : null));
        }
        return builder.ToImmutable();
    }

    private ImmutableArray<BusRange> ParseRanges(string name)
    {
        if (Parent is null || Property(name) is not { } property)
            return [];
        var (child, parent, size) = (AddressCells, Parent.AddressCells, SizeCells);
        if (child is 0 or > MaximumCells || parent is 0 or > MaximumCells || size is 0 or > MaximumCells)
            return [];
        var stride = (int)(child + parent + size);
        if (!property.IsCells || property.CellCount % stride != 0)
            return [];
        var builder = ImmutableArray.CreateBuilder<BusRange>();
        for (var cell = 0; cell < property.CellCount && builder.Count < MaximumRanges; cell += stride)
        {
            var (space, from) = ReadAddress(property, cell, (int)child);
            var (parentSpace, to) = ReadAddress(property, cell + (int)child, (int)parent);
            var length = ReadAddress(property, cell + (int)(child + parent), (int)size).Offset;
            builder.Add(new BusRange(space, from, parentSpace, to, length));
        }
        return builder.ToImmutable();
    }

    private uint Inherited(string name, uint fallback)
    {
        for (var node = this; node is not null; node = node.Parent)
        {
            if (node.U32(name) is { } value)
                return value;
        }
        return fallback;
    }
}
