using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Aperture.DeviceTrees;

/// <summary>Puts one overlay onto a tree. How overlays are made, with <c>__fixups__</c>, <c>__local_fixups__</c> and <c>__symbols__</c>, is
/// in the manual of the device tree compiler; what comes of it is compared with <c>fdtoverlay</c>.</summary>
internal sealed class OverlayMerge
{
    private const string Content = "__overlay__";
    private const string Symbols = "__symbols__";

    private readonly DeviceTree _tree;
    private readonly string _name;
    private readonly TreeDraft _base;
    private readonly TreeDraft _overlay;
    private readonly Dictionary<string, OverlayOrigin> _origins;
    private readonly List<(TreeDraft Fragment, TreeDraft Target, string Path)> _fragments = [];

    public OverlayMerge(DeviceTree tree, string name, DeviceTree overlay, Dictionary<string, OverlayOrigin> origins)
    {
        if (!overlay.IsOverlay)
            throw new DeviceTreeException($"{name} is no overlay: none of its nodes has {Content}");
        (_tree, _name, _origins) = (tree, name, origins);
        (_base, _overlay) = (TreeDraft.Of(tree.Root), TreeDraft.Of(overlay.Root));
    }

    public DeviceTree Run()
    {
        MovePhandles();
        if (_overlay.Child("__fixups__") is { } fixups)
            Resolve(fixups);
        foreach (var fragment in _overlay.Children.Where(child => child.Child(Content) is not null))
        {
            var (target, path) = TargetOf(fragment);
            _fragments.Add((fragment, target, path));
        }

        foreach (var (fragment, target, _) in _fragments)
            KeepPhandles(fragment.Child(Content)!, target);
        foreach (var (fragment, target, path) in _fragments)
            Merge(fragment.Child(Content)!, target, path);
        if (_overlay.Child(Symbols) is { } symbols)
            AddSymbols(symbols);
        var writer = new DeviceTreeWriter { BootCpu = _tree.BootCpu };
        foreach (var reservation in _tree.MemoryReservations)
            writer.Reserve(reservation.Start.Value, reservation.Length);
        _base.Write(writer);
        return DeviceTree.Parse(writer.ToArray());
    }

    // The overlay's own phandles begin behind the tree's, and so do its references to its own nodes.
    private void MovePhandles()
    {
        var shift = _base.All().Max(node => node.Phandle);
        foreach (var node in _overlay.All())
        {
            foreach (var name in (string[])["phandle", "linux,phandle"])
            {
                if (node.Property(name) is { Length: 4 } bytes)
                    Write(bytes, 0, Read(bytes, 0) is > 0 and < uint.MaxValue and var own ? Moved(own, shift) : 0);
            }
        }

        foreach (var (bytes, offset) in LocalReferences())
            Write(bytes, offset, Moved(Read(bytes, offset), shift));
    }

    private uint Moved(uint phandle, uint shift) => (ulong)phandle + shift < uint.MaxValue
        ? phandle + shift
        : throw Wrong($"phandle {phandle} of it cannot be moved beyond the tree's highest, {shift}");

    // Every place in the overlay that refers to a node of its own, by __local_fixups__, which mirrors the overlay.
    private List<(byte[] Bytes, int Offset)> LocalReferences()
    {
        var places = new List<(byte[] Bytes, int Offset)>();
        if (_overlay.Child("__local_fixups__") is not { } mirror)
            return places;
        var open = new Stack<(TreeDraft Mirror, TreeDraft Node)>([(mirror, _overlay)]);
        while (open.TryPop(out var at))
        {
            foreach (var name in at.Mirror.Properties)
            {
                var offsets = at.Mirror.Property(name)!;
                for (var i = 0; i + 4 <= offsets.Length; i += 4)
                    places.Add(Place(at.Node, name, Read(offsets, i)));
            }

            foreach (var child in at.Mirror.Children)
            {
                open.Push((child, at.Node.Child(child.Name)
                    ?? throw Wrong($"__local_fixups__ has a node '{child.Name}', which {at.Node.Source} has not")));
            }
        }

        return places;
    }

    private (byte[] Bytes, int Offset) Place(TreeDraft node, string property, uint offset) =>
        node.Property(property) is { } bytes && bytes.Length >= 4 && offset <= bytes.Length - 4
            ? (bytes, (int)offset)
            : throw Wrong($"a fixup leads to byte {offset} of {property} in {node.Source}, which is not there");

    // References to labels of the tree: each property is a label, and lists where the overlay refers to it, "path:property:offset".
    private void Resolve(TreeDraft fixups)
    {
        foreach (var label in fixups.Properties)
        {
            var phandle = PhandleOf(label);
            foreach (var place in Strings(fixups.Property(label)!))
            {
                var parts = place.Split(':');
                if (parts.Length != 3 || !uint.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var offset))
                    throw Wrong($"__fixups__ has '{place}' for label {label}, which is not 'path:property:offset'");
                var node = _overlay.Find(parts[0]) ?? throw Wrong($"__fixups__ leads to {parts[0]}, which is not in it");
                var (bytes, at) = Place(node, parts[1], offset);
                Write(bytes, at, phandle);
            }
        }
    }

    private uint PhandleOf(string label)
    {
        var symbols = _base.Child(Symbols)
            ?? throw Wrong($"it refers to label {label}, and the tree was compiled without labels: compile it with dtc -@");
        var path = symbols.Property(label) is { } bytes ? Strings(bytes).FirstOrDefault() : null;
        if (path is null)
            throw Wrong($"it refers to label {label}, which the tree has not");
        return _base.Find(path)?.Phandle is > 0 and var phandle
            ? phandle
            : throw Wrong($"it refers to label {label}, which leads to {path}, where no node with a phandle is");
    }

    private (TreeDraft Target, string Path) TargetOf(TreeDraft fragment)
    {
        string? path;
        if (fragment.Property("target") is { Length: 4 } target)
        {
            path = _tree.Nodes().FirstOrDefault(node => node.Phandle == Read(target, 0))?.Path
                ?? throw Wrong($"{fragment.Source} is for phandle 0x{Read(target, 0):x}, which no node of the tree has");
        }
        else
        {
            path = fragment.Property("target-path") is { } bytes ? Strings(bytes).FirstOrDefault() : null;
            path = path is null ? throw Wrong($"{fragment.Source} has neither target nor target-path")
                : _tree.Find(path)?.Path ?? throw Wrong($"{fragment.Source} is for {path}, which the tree has not");
        }

        return (_base.Find(path)!, path);
    }

    // A node that the tree has keeps its phandle, which others there know; the overlay's references to it follow.
    private void KeepPhandles(TreeDraft content, TreeDraft target)
    {
        var kept = new Dictionary<uint, uint>();
        var open = new Stack<(TreeDraft From, TreeDraft To)>([(content, target)]);
        while (open.TryPop(out var at))
        {
            if (at is { From.Phandle: > 0 and var own, To.Phandle: > 0 and var others })
            {
                kept[own] = others;
                foreach (var name in at.From.Properties.Where(name => name is "phandle" or "linux,phandle"))
                    Write(at.From.Property(name)!, 0, others);
            }

            foreach (var child in at.From.Children)
            {
                if (at.To.Child(child.Name) is { } known)
                    open.Push((child, known));
            }
        }

        if (kept.Count == 0)
            return;
        foreach (var (bytes, offset) in LocalReferences())
        {
            if (kept.TryGetValue(Read(bytes, offset), out var phandle))
                Write(bytes, offset, phandle);
        }
    }

    private void Merge(TreeDraft content, TreeDraft target, string path)
    {
        var open = new Stack<(TreeDraft From, TreeDraft To, string Path)>([(content, target, path)]);
        while (open.TryPop(out var at))
        {
            if (at.From.Properties.Count > 0 || at.From != content)
                _origins[at.Path] = new OverlayOrigin(_name, at.From.Source);
            foreach (var name in at.From.Properties)
                at.To.Set(name, at.From.Property(name)!);
            foreach (var child in at.From.Children)
            {
                var known = at.To.Child(child.Name) ?? at.To.Add(child.Name, child.Source);
                open.Push((child, known, (at.Path == "/" ? "" : at.Path) + "/" + known.Name));
            }
        }
    }

    // The overlay's labels become the tree's, led to where their nodes are now. A label of what does not come into the tree is left out.
    private void AddSymbols(TreeDraft symbols)
    {
        var known = _base.Child(Symbols) ?? _base.Add(Symbols, symbols.Source);
        foreach (var label in symbols.Properties)
        {
            if (Strings(symbols.Property(label)!).FirstOrDefault() is not { } path)
                continue;
            foreach (var (fragment, _, target) in _fragments)
            {
                var prefix = $"/{fragment.Name}/{Content}";
                if (path != prefix && !path.StartsWith(prefix + "/", StringComparison.Ordinal))
                    continue;
                // With a slash at the end for a label of the content itself, as other tools have it.
                var full = $"{(target == "/" ? "" : target)}/{path[prefix.Length..].TrimStart('/')}";
                known.Set(label, [.. Encoding.UTF8.GetBytes(full), 0]);
                break;
            }
        }
    }

    private DeviceTreeException Wrong(string what) => new($"{_name}: {DeviceTreeProperty.Shown(what)}");

    private static uint Read(byte[] bytes, int offset) => BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(offset));

    private static void Write(byte[] bytes, int offset, uint value) => BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(offset), value);

    private static IEnumerable<string> Strings(byte[] bytes) =>
        Encoding.UTF8.GetString(bytes).Split('\0').SkipLast(1); // the last one is terminated, too
}
