namespace Aperture.Iommu.Recorded;

/// <summary>The mappings of a domain in the order of their device addresses: a treap in one array. Nothing is allocated while the number of
/// mappings does not exceed what it was once. Not thread-safe.</summary>
internal sealed class MappingTree
{
    private Node[] _nodes = new Node[64]; // 0 stands for none
    private int _root;
    private int _free;     // chain of nodes given back, by Left
    private int _used = 1; // nodes from here on were never used
    private uint _random = 2463534242;

    /// <summary>Number of mappings.</summary>
    public int Count { get; private set; }

    /// <summary>The first mapping that ends at or behind a device address.</summary>
    public bool TryFind(ulong address, out RecordedMapping mapping)
    {
        var best = 0;
        for (var at = _root; at != 0;)
        {
            if (_nodes[at].Mapping.Last >= address)
            {
                best = at;
                at = _nodes[at].Left;
            }
            else
            {
                at = _nodes[at].Right;
            }
        }

        mapping = _nodes[best].Mapping;
        return best != 0;
    }

    /// <summary>Goes through the mappings, lowest first. They must not change meanwhile.</summary>
    public Enumerator GetEnumerator() => new(this);

    /// <summary>Adds a mapping that overlaps none.</summary>
    public void Add(in RecordedMapping mapping)
    {
        var node = _free != 0 ? _free : _used++;
        if (node == _free)
            _free = _nodes[node].Left;
        else if (node == _nodes.Length)
            Array.Resize(ref _nodes, 2 * node);
        _random ^= _random << 13;
        _random ^= _random >> 17;
        _random ^= _random << 5;
        _nodes[node] = new Node { Mapping = mapping, Priority = _random };
        Add(ref _root, node);
        Count++;
    }

    /// <summary>Removes the mapping that starts at a device address.</summary>
    public void Remove(ulong start)
    {
        ref var link = ref _root;
        while (_nodes[link].Mapping.Start != start)
            link = ref start < _nodes[link].Mapping.Start ? ref _nodes[link].Left : ref _nodes[link].Right;
        var node = link;
        link = Merge(_nodes[node].Left, _nodes[node].Right);
        _nodes[node] = new Node { Left = _free };
        _free = node;
        Count--;
    }

    private void Add(ref int root, int node)
    {
        if (root == 0)
        {
            root = node;
            return;
        }

        if (_nodes[node].Mapping.Start < _nodes[root].Mapping.Start)
        {
            Add(ref _nodes[root].Left, node);
            var left = _nodes[root].Left;
            if (_nodes[left].Priority <= _nodes[root].Priority)
                return;
            _nodes[root].Left = _nodes[left].Right;
            _nodes[left].Right = root;
            root = left;
        }
        else
        {
            Add(ref _nodes[root].Right, node);
            var right = _nodes[root].Right;
            if (_nodes[right].Priority <= _nodes[root].Priority)
                return;
            _nodes[root].Right = _nodes[right].Left;
            _nodes[right].Left = root;
            root = right;
        }
    }

    private int Merge(int left, int right)
    {
        if (left == 0 || right == 0)
            return left + right;
        if (_nodes[left].Priority > _nodes[right].Priority)
        {
            _nodes[left].Right = Merge(_nodes[left].Right, right);
            return left;
        }

        _nodes[right].Left = Merge(left, _nodes[right].Left);
        return right;
    }

    /// <summary>Goes from mapping to mapping.</summary>
    public struct Enumerator(MappingTree tree)
    {
        private RecordedMapping _current;
        private bool _hasBegun;

        /// <summary>The mapping.</summary>
        public readonly RecordedMapping Current => _current;

        /// <summary>Goes to the next.</summary>
        public bool MoveNext()
        {
            if (_hasBegun && _current.Last == ulong.MaxValue)
                return false;
            var from = _hasBegun ? _current.Last + 1 : 0;
            _hasBegun = true;
            return tree.TryFind(from, out _current);
        }
    }

    private struct Node
    {
        public RecordedMapping Mapping;
        public int Left;
        public int Right;
        public uint Priority; // never below those of the nodes under it
    }
}
