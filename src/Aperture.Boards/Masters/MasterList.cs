using Aperture.DeviceTrees;

namespace Aperture.Boards.Masters;

/// <summary>The kinds of devices with DMA that a machine has models of.</summary>
public sealed class MasterList
{
    private readonly Dictionary<string, MasterKind> _byName = new(StringComparer.Ordinal); // by compatible string

    /// <summary>A list.</summary>
    /// <param name="kinds">The kinds; where two have a string, it is the first that it means.</param>
    public MasterList(IEnumerable<MasterKind> kinds)
    {
        ArgumentNullException.ThrowIfNull(kinds);
        Kinds = [.. kinds];
        foreach (var kind in Kinds)
        {
            foreach (var name in kind.Compatible)
                _byName.TryAdd(name, kind);
        }
    }

    /// <summary>The kinds of Aperture. A further one adds its line here.</summary>
    public static MasterList Default { get; } = new([new Omap3IspKind(), new FimcKind(), new EduKind()]);

    /// <summary>The kinds, in order.</summary>
    public IReadOnlyList<MasterKind> Kinds { get; }

    /// <summary>This list with kinds before its own: where both have a <c>compatible</c> string, it means the one before.</summary>
    public MasterList With(IReadOnlyCollection<MasterKind> first)
    {
        ArgumentNullException.ThrowIfNull(first);
        return first.Count == 0 ? this : new MasterList([.. first, .. Kinds]);
    }

    /// <summary>The kind of a node: that of the first of its <c>compatible</c> strings that a kind has; null where none has one.</summary>
    public MasterKind? Find(DeviceTreeNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.Compatible.Select(name => _byName.GetValueOrDefault(name)).FirstOrDefault(kind => kind is not null);
    }
}
