using System.Diagnostics.CodeAnalysis;
using Aperture.Core;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Units;

/// <summary>The kinds of IOMMU that a machine, a checker or a replay knows.</summary>
public sealed class UnitList
{
    private readonly Dictionary<string, (UnitKind Kind, UnitBinding Binding)> _byName = new(StringComparer.Ordinal); // by compatible string

    /// <summary>A list.</summary>
    /// <param name="kinds">The kinds; where two have a string, it is the first that it means.</param>
    /// <exception cref="ApertureException">A kind without bindings, or with a <c>*</c> in one: no node would ever be of it.</exception>
    public UnitList(IEnumerable<UnitKind> kinds)
    {
        ArgumentNullException.ThrowIfNull(kinds);
        Kinds = [.. kinds];
        foreach (var kind in Kinds)
        {
            if (kind is null)
                throw new ApertureException(Status.InvalidArgument, "there is a null among the kinds of IOMMU");
            if (kind.Bindings.Count == 0)
                throw new ApertureException(Status.InvalidArgument, $"{kind.GetType().Name} has no bindings: no node is of this kind");
            foreach (var binding in kind.Bindings)
            {
                if (binding.Pattern.Contains('*', StringComparison.Ordinal))
                {
                    throw new ApertureException(
                        Status.InvalidArgument, $"{kind.GetType().Name} has a binding '{binding.Pattern}': one for each string, without *");
                }

                _byName.TryAdd(binding.Pattern, (kind, binding));
            }
        }
    }

    /// <summary>The kinds of Aperture. A further one adds its line here.</summary>
    public static UnitList Default { get; } = new(
    [
        new OmapUnitKind(),
        new ExynosUnitKind(),
        new TegraUnitKind(),
        new MsmUnitKind(),
        new RockchipUnitKind(),
        new SmmuV3UnitKind(),
    ]);

    /// <summary>The kinds, in order.</summary>
    public IReadOnlyList<UnitKind> Kinds { get; }

    /// <summary>This list with kinds before its own: where both have a <c>compatible</c> string, it means the one before.</summary>
    public UnitList With(IReadOnlyCollection<UnitKind> first)
    {
        ArgumentNullException.ThrowIfNull(first);
        return first.Count == 0 ? this : new UnitList([.. first, .. Kinds]);
    }

    /// <summary>Whether a node is a unit of a kind in the list.</summary>
    public bool Has(DeviceTreeNode node) => TryFind(node, out _, out _);

    /// <summary>The kind of a node: that of the first of its <c>compatible</c> strings that a kind has.</summary>
    /// <param name="node">The node.</param>
    /// <param name="kind">The kind.</param>
    /// <param name="binding">Which of the kind's bindings: its pattern is the string.</param>
    public bool TryFind(DeviceTreeNode node, [NotNullWhen(true)] out UnitKind? kind, [NotNullWhen(true)] out UnitBinding? binding)
    {
        ArgumentNullException.ThrowIfNull(node);
        foreach (var compatible in node.Compatible)
        {
            if (_byName.TryGetValue(compatible, out var found))
            {
                (kind, binding) = found;
                return true;
            }
        }

        (kind, binding) = (null, null);
        return false;
    }
}
