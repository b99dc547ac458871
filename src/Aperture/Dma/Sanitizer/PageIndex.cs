using System.Runtime.InteropServices;

namespace Aperture.Dma.Sanitizer;

/// <summary>The mappings on each page of an address space.</summary>
internal sealed class PageIndex
{
    public const int Shift = 12;

    private readonly Dictionary<ulong, int> _heads = []; // page number to the first node
    private Node[] _nodes = new Node[64];                // chains, free ones included
    private int _used;                                   // nodes that were ever taken
    private int _free = -1;                              // first free node

    private struct Node
    {
        public LiveMapping? Mapping;
        public int Next;
    }

    public void Add(LiveMapping mapping, ulong first, ulong last)
    {
        for (var page = first >> Shift; page <= last >> Shift; page++)
        {
            var node = Take();
            ref var head = ref CollectionsMarshal.GetValueRefOrAddDefault(_heads, page, out var exists);
            _nodes[node].Mapping = mapping;
            _nodes[node].Next = exists ? head : -1;
            head = node;
        }
    }

    public void Remove(LiveMapping mapping, ulong first, ulong last)
    {
        for (var page = first >> Shift; page <= last >> Shift; page++)
        {
            ref var head = ref CollectionsMarshal.GetValueRefOrNullRef(_heads, page);
            if (System.Runtime.CompilerServices.Unsafe.IsNullRef(ref head))
                continue;
            ref var link = ref head;
            while (link >= 0 && _nodes[link].Mapping != mapping)
                link = ref _nodes[link].Next;
            if (link < 0)
                continue;
            var node = link;
            link = _nodes[node].Next;
            _nodes[node].Mapping = null;
            _nodes[node].Next = _free;
            _free = node;
            if (head < 0)
                _heads.Remove(page);
        }
    }

    public Chain On(ulong address) => new(this, _heads.TryGetValue(address >> Shift, out var head) ? head : -1);

    private int Take()
    {
        if (_free >= 0)
        {
            var node = _free;
            _free = _nodes[node].Next;
            return node;
        }

        if (_used == _nodes.Length)
            Array.Resize(ref _nodes, _used * 2);
        return _used++;
    }

    /// <summary>The mappings on one page, the latest first.</summary>
    public ref struct Chain(PageIndex index, int head)
    {
        private int _next = head;

        public LiveMapping Current { get; private set; } = null!;

        public readonly Chain GetEnumerator() => this;

        public bool MoveNext()
        {
            if (_next < 0)
                return false;
            Current = index._nodes[_next].Mapping!;
            _next = index._nodes[_next].Next;
            return true;
        }
    }
}
