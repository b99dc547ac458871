using System.Collections.Immutable;

namespace Aperture.DeviceTrees;

// References to other nodes.
public sealed partial class DeviceTreeNode
{
    /// <summary>The IOMMU units that the node's DMA passes, with the ids it has there (<c>iommus</c>, <c>#iommu-cells</c>).</summary>
    public ImmutableArray<PhandleReference> Iommus() => References("iommus", "#iommu-cells", "iommu-names");

    /// <summary>The clocks that the node consumes.</summary>
    public ImmutableArray<PhandleReference> Clocks() => References("clocks", "#clock-cells", "clock-names");

    /// <summary>The power domains that the node lies in.</summary>
    public ImmutableArray<PhandleReference> PowerDomains() => References("power-domains", "#power-domain-cells", "power-domain-names");

    /// <summary>The reset lines that reach the node.</summary>
    public ImmutableArray<PhandleReference> Resets() => References("resets", "#reset-cells", "reset-names");

    /// <summary>The reserved memory that is the node's own (<c>memory-region</c>).</summary>
    public ImmutableArray<PhandleReference> MemoryRegions() => References("memory-region", null, "memory-region-names");

    /// <summary>The reserved region that this node describes, as <c>memory-region</c> refers to it; null unless it lies below
    /// <c>/reserved-memory</c>.</summary>
    public ReservedMemoryNode? AsReservedMemory => Parent is { Depth: 1, Name: "reserved-memory" } ? DeviceTree.Reserved(this) : null;

    /// <summary>Reads a list of references.</summary>
    /// <param name="property">The property that holds the list.</param>
    /// <param name="cellsProperty">The property of the referenced node that says how many arguments follow; null when none ever do.</param>
    /// <param name="namesProperty">The property that names the entries; null without one.</param>
    /// <returns>The entries in order; an entry that cannot be read carries its error and, when its length is unknown, is the
    /// last.</returns>
    public ImmutableArray<PhandleReference> References(string property, string? cellsProperty, string? namesProperty = null)
    {
        if (Property(property) is not { IsEmpty: false } list)
            return [];
        var names = namesProperty is null ? [] : Property(namesProperty)?.Strings() ?? [];
        var builder = ImmutableArray.CreateBuilder<PhandleReference>();
        for (var cell = 0; cell < list.CellCount;)
        {
            var name = builder.Count < names.Length ? names[builder.Count] : null;
            var entry = ReadReference(list, ref cell, cellsProperty) with { Name = name };
            builder.Add(entry);
            if (entry.Error is not (PhandleError.None or PhandleError.Empty))
                return builder.ToImmutable();
        }
        if (!list.IsCells)
            builder.Add(new PhandleReference(0, null, [], null, PhandleError.Truncated));
        return builder.ToImmutable();
    }

    private PhandleReference ReadReference(DeviceTreeProperty list, ref int cell, string? cellsProperty)
    {
        var phandle = list.Cell(cell++);
        if (phandle == 0)
            return new(0, null, [], null, PhandleError.Empty);
        if (Tree.FindByPhandle(phandle) is not { } target)
            return new(phandle, null, [], null, PhandleError.Unresolved);
        if (cellsProperty is null)
            return new(phandle, target, [], null, PhandleError.None);
        if (target.U32(cellsProperty) is not { } count)
            return new(phandle, target, [], null, PhandleError.NoCells);
        if (count > PhandleReference.MaximumArguments)
            return new(phandle, target, [], null, PhandleError.TooManyCells);
        if (count > list.CellCount - cell)
            return new(phandle, target, [], null, PhandleError.Truncated);
        var arguments = list.Cells(cell, (int)count);
        cell += (int)count;
        return new(phandle, target, arguments, null, PhandleError.None);
    }
}
