using System.Collections.Immutable;
using System.Globalization;
using Aperture.Boards.Units;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>Units have registers that the CPU can reach and nobody else claims.</summary>
internal static class RegisterRules
{
    internal static void Check(CheckContext context)
    {
        var claims = new List<(MemoryRange Range, DeviceTreeNode Node)>();
        foreach (var node in context.Nodes)
        {
            var isUnit = context.IsUnit(node);
            if (!isUnit && !node.Has("iommus") && !(CheckContext.HasModel(node) && context.Devices.Contains(node)))
                continue;
            if (node.Property("reg") is { } reg)
                CheckReg(context, node, reg, isUnit, claims);
            else if (isUnit && node.String("device_type") != "pci" && !OnPci(node) && context.Units[node]?.MayLackRegisters != true
                && context.Units[node]?.IsOlder != true)
                context.Problem(
                    FindingCode.Reg, node, "has no reg: an IOMMU without registers cannot be driven; add their address and size");
        }
        CheckOverlaps(context, claims);
        CheckRam(context, claims);
    }

    // An IOMMU that is a PCI function has configuration space in reg, and its registers are found by looking.
    private static bool OnPci(DeviceTreeNode node) => node.Parent?.AddressCells == 3;

    private static void CheckReg(
        CheckContext context, DeviceTreeNode node, DeviceTreeProperty reg, bool isUnit, List<(MemoryRange, DeviceTreeNode)> claims)
    {
        var blocks = node.Registers();
        if (blocks.IsEmpty)
        {
            context.Problem(
                FindingCode.Reg,
                node,
                $"reg of {reg.Value.Length} bytes is no whole number of entries: #address-cells and #size-cells above are "
                    + $"{node.Parent?.AddressCells} and {node.Parent?.SizeCells}");
            return;
        }
        foreach (var block in blocks)
        {
            if (block.Address is not { } address)
            {
                if (isUnit && !OnPci(node))
                    context.Problem(
                        FindingCode.Reg,
                        node,
                        $"reg 0x{block.BusAddress:x} cannot be translated to a CPU address: add ranges that cover it to the buses above");
            }
            else if (block.Length == 0)
            {
                if (isUnit || CheckContext.HasModel(node))
                    context.Problem(FindingCode.Reg, node, $"reg 0x{block.BusAddress:x} has no size: give it its own");
            }
            else if (block.Length - 1 > ulong.MaxValue - address.Value)
            {
                context.Problem(
                    FindingCode.Reg,
                    node,
                    $"reg 0x{block.BusAddress:x} + 0x{block.Length:x} runs past the end of the address space: correct the size");
            }
            else if (node.IsPresent)
            {
                claims.Add((new MemoryRange(address, block.Length), node));
            }
        }

        CheckUnitAddress(context, node, blocks);
        if (context.Modelled.TryGetValue(node, out var kind) && blocks[0] is { Address: { } first, Length: > 0 and var size })
            CheckWindow(context, node, kind, first, size);
    }

    // Only of what lies in memory: on other buses the number in a name need not be one in hexadecimal.
    private static void CheckUnitAddress(CheckContext context, DeviceTreeNode node, ImmutableArray<RegisterBlock> blocks)
    {
        if (node.IsPresent && node.UnitAddress is { } name && blocks[0].Address is not null
            && ulong.TryParse(name, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var address)
            && blocks.All(block => block.BusAddress != address))
        {
            context.Warning(
                FindingCode.UnitAddress,
                node,
                $"is called @{name}, but its reg begins at 0x{blocks[0].BusAddress:x}: correct whichever is wrong");
        }
    }

    private static void CheckWindow(CheckContext context, DeviceTreeNode unit, UnitKind kind, PhysicalAddress start, ulong size)
    {
        var (smallest, largest) = (kind.SmallestWindow(unit), kind.LargestWindow(unit));
        if (size < smallest || size > largest)
        {
            var room = $"0x{smallest:x}{(smallest == largest ? "" : $" to 0x{largest:x}")}";
            context.Problem(
                FindingCode.Reg, unit, $"reg has 0x{size:x} bytes, but a {context.Units[unit]!.Family} here has {room}: correct the size");
        }

        if (!start.IsAligned(sizeof(uint)) || size % sizeof(uint) != 0)
            context.Problem(
                FindingCode.Reg,
                unit,
                $"reg {new MemoryRange(start, size)} does not begin and end at whole words, which "
                    + "registers are: correct the address or the size");
    }

    private static void CheckRam(CheckContext context, List<(MemoryRange Range, DeviceTreeNode Node)> claims)
    {
        var ram = context.Tree.Memory();
        foreach (var (range, node) in claims)
        {
            // A master's reg may well be a buffer, as that of a frame buffer which the boot loader set up.
            if (context.IsUnit(node) && ram.FirstOrDefault(block => block.Overlaps(range)) is { Length: > 0 } block)
                context.Error(FindingCode.Reg, node, $"reg {range} lies in RAM {block}: correct the address, or the memory node");
        }
    }

    private static void CheckOverlaps(CheckContext context, List<(MemoryRange Range, DeviceTreeNode Node)> claims)
    {
        claims.Sort(
            (a, b) => a.Range.Start != b.Range.Start ? a.Range.Start.CompareTo(b.Range.Start) : a.Node.Offset.CompareTo(b.Node.Offset));
        // Compared with the block that reaches furthest so far: one finding for each block that starts inside another.
        var furthest = 0;
        for (var i = 1; i < claims.Count; i++)
        {
            var (range, node) = claims[i];
            var (otherRange, other) = claims[furthest];
            if (range.Overlaps(otherRange) && node != other && !IsBelow(node, other) && !IsBelow(other, node)
                && (HasOwn(context, node) || HasOwn(context, other)) && !IsInside(range, node, otherRange, other))
                context.Error(
                    FindingCode.Reg,
                    node,
                    $"reg {range} overlaps {otherRange} of {other.Path}: registers belong to one device; correct the address or the size");
            if (range.Last > otherRange.Last)
                furthest = i;
        }
    }

    private static bool HasOwn(CheckContext context, DeviceTreeNode node) => context.IsUnit(node) || CheckContext.HasModel(node);

    // Chips have a unit's registers among those of the master that it serves, and trees give the master the whole block.
    private static bool IsInside(MemoryRange range, DeviceTreeNode unit, MemoryRange whole, DeviceTreeNode master) =>
        whole.Contains(range.Start, range.Length) && range.Length < whole.Length
            && master.Iommus().Any(reference => reference.Target == unit);

    private static bool IsBelow(DeviceTreeNode node, DeviceTreeNode above)
    {
        for (var parent = node.Parent; parent is not null; parent = parent.Parent)
        {
            if (parent == above)
                return true;
        }
        return false;
    }
}
