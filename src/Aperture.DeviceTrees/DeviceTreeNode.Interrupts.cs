using System.Collections.Immutable;

namespace Aperture.DeviceTrees;

// Interrupts (Devicetree Specification 0.4, chapter 2.4).
public sealed partial class DeviceTreeNode
{
    // Longer chains of interrupt parents do not occur; a longer one is a circle.
    private const int MaximumInterruptParents = 64;

    /// <summary>The node's interrupts: <c>interrupts-extended</c> if there is one, else <c>interrupts</c> at the interrupt parent. An
    /// entry's name is its one in <c>interrupt-names</c>. The target is the controller that the cells are written for; an
    /// <c>interrupt-map</c> there is not followed.</summary>
    public ImmutableArray<PhandleReference> Interrupts()
    {
        if (Has("interrupts-extended"))
            return References("interrupts-extended", "#interrupt-cells", "interrupt-names");
        if (Property("interrupts") is not { IsEmpty: false } list)
            return [];
        if (InterruptParent() is not { } controller)
            return [new PhandleReference(0, null, [], null, PhandleError.Unresolved)];
        var phandle = controller.Phandle ?? 0;
        if (controller.U32("#interrupt-cells") is not ({ } count and > 0))
            return [new PhandleReference(phandle, controller, [], null, PhandleError.NoCells)];
        if (count > PhandleReference.MaximumArguments)
            return [new PhandleReference(phandle, controller, [], null, PhandleError.TooManyCells)];
        var names = Property("interrupt-names")?.Strings() ?? [];
        var builder = ImmutableArray.CreateBuilder<PhandleReference>();
        var cell = 0;
        for (; cell + count <= list.CellCount; cell += (int)count)
            builder.Add(new PhandleReference(phandle, controller, list.Cells(cell, (int)count), builder.Count < names.Length
                ? names[builder.Count] : null, PhandleError.None));
        if (cell * 4 != list.Value.Length)
            builder.Add(new PhandleReference(phandle, controller, [], null, PhandleError.Truncated));
        return builder.ToImmutable();
    }

    /// <summary>The node at which this node's <c>interrupts</c> arrive: that of <c>interrupt-parent</c> on it or the nearest node above,
    /// and from there on, past nodes that only pass interrupts on (without <c>#interrupt-cells</c>), to one that takes them. Null when
    /// there is none, or the chain is a circle.</summary>
    public DeviceTreeNode? InterruptParent()
    {
        var node = this;
        for (var i = 0; i < MaximumInterruptParents && node is not null; i++)
        {
            node = node.Property("interrupt-parent") is { } parent ? Tree.FindByPhandle(parent.Cell(0)) : node.Parent;
            if (node is not null && node.Has("#interrupt-cells"))
                return node;
        }
        return null;
    }
}
