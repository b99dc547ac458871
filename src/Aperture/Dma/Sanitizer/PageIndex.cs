using System.Numerics;
using Aperture.Devices;

namespace Aperture.Dma.Sanitizer;

/// <summary>The mappings on each page of an address space.</summary>
internal sealed class PageIndex
{
    public const int Shift = 12;
    private const int Smallest = 16; // places, a power of two

    private int[] _heads = NewHeads(Smallest);  // by hash of the page: the first node of a chain, or -1
    private Node[] _nodes = new Node[Smallest]; // chains, free ones included
    private int _used;                          // nodes that were ever taken
    private int _free = -1;                     // first free node

    private struct Node
    {
        public LiveMapping? Mapping;
        public ulong Page;
        public int Next;
    }

    public void Add(LiveMapping mapping, ulong first, ulong last)
    {
        for (var page = first >> Shift; page <= last >> Shift; page++)
        {
            var node = Take();
            ref var head = ref _heads[HashOf(page)];
            _nodes[node] = new Node { Mapping = mapping, Page = page, Next = head };
            head = node;
        }
    }

    /// <summary>Whether a mapping lies on one page of device addresses, and there is room for it.</summary>
    public bool HasRoomFor(LiveMapping mapping) => _free >= 0 && mapping.Start >> Shift == mapping.Last >> Shift;

    /// <summary>Adds a mapping on one page of device addresses, for which there is room.</summary>
    public void AddOne(LiveMapping mapping)
    {
        var page = mapping.Start >> Shift;
        var node = _free;
        ref var place = ref _nodes[node];
        _free = place.Next;
        ref var head = ref _heads[HashOf(page)];
        if (place.Mapping != mapping)
            place.Mapping = mapping;
        place.Page = page;
        place.Next = head;
        head = node;
    }

    public void Remove(LiveMapping mapping, ulong first, ulong last)
    {
        for (var page = first >> Shift; page <= last >> Shift; page++)
        {
            ref var link = ref _heads[HashOf(page)];
            while (link >= 0 && (_nodes[link].Mapping != mapping || _nodes[link].Page != page))
                link = ref _nodes[link].Next;
            if (link < 0)
                continue;
            var node = link;
            link = _nodes[node].Next;
            _nodes[node].Next = _free; // the mapping, one of a few, stays for the next that is the same
            _free = node;
        }
    }

    /// <summary>The mapping of a device on the page of an address that has a number; not a block.</summary>
    public LiveMapping? Find(Device device, uint serial, ulong address)
    {
        for (var node = _heads[HashOf(address >> Shift)]; node >= 0; node = _nodes[node].Next)
        {
            var mapping = _nodes[node].Mapping!;
            if (mapping.Serial == serial && _nodes[node].Page == address >> Shift && mapping.Device == device
                && mapping.Api != MappingApi.Block)
                return mapping;
        }

        return null;
    }

    /// <summary>The mappings on the page of an address, the latest first.</summary>
    public Chain On(ulong address) => new(this, address >> Shift);

    private static int[] NewHeads(int count)
    {
        var heads = new int[count];
        heads.AsSpan().Fill(-1);
        return heads;
    }

    private int HashOf(ulong page) => (int)((page * 0x9E3779B97F4A7C15) >> (64 - BitOperations.Log2((uint)_heads.Length)));

    private int Take()
    {
        if (_free >= 0)
        {
            var node = _free;
            _free = _nodes[node].Next;
            return node;
        }

        if (_used == _nodes.Length)
            Grow();
        return _used++;
    }

    private void Grow()
    {
        Array.Resize(ref _nodes, _used * 2);
        _heads = NewHeads(_nodes.Length);
        // Backwards through time, so that the latest stays the first.
        var order = new int[_used];
        for (var node = 0; node < _used; node++)
            order[node] = node;
        Array.Sort(order, (left, right) => _nodes[left].Mapping!.MadeAt.CompareTo(_nodes[right].Mapping!.MadeAt));
        foreach (var node in order)
        {
            ref var head = ref _heads[HashOf(_nodes[node].Page)];
            _nodes[node].Next = head;
            head = node;
        }
    }

    /// <summary>The mappings on one page, the latest first.</summary>
    public ref struct Chain
    {
        private readonly Node[] _nodes;
        private readonly ulong _page;
        private int _next; // the next node plus 1; 0 for none

        internal Chain(PageIndex index, ulong page)
        {
            _nodes = index._nodes;
            _page = page;
            _next = index._heads[index.HashOf(page)] + 1;
        }

        public LiveMapping Current { get; private set; } = null!;

        public readonly Chain GetEnumerator() => this;

        public bool MoveNext()
        {
            while (_next != 0)
            {
                ref var node = ref _nodes[_next - 1];
                _next = node.Next + 1;
                if (node.Page != _page)
                    continue;
                Current = node.Mapping!;
                return true;
            }

            return false;
        }
    }
}
