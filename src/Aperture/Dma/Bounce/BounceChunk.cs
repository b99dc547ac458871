using Aperture.Core;
using Aperture.Dma.Memory;
using Aperture.Dma.Operations;

namespace Aperture.Dma.Bounce;

/// <summary>One piece of memory of a bounce pool, cut into slots, segments and areas.</summary>
internal sealed unsafe partial class BounceChunk
{
    /// <summary>Log2 of the bytes of a slot.</summary>
    public const int SlotShift = 11;

    /// <summary>Bytes of a slot.</summary>
    public const int SlotBytes = 1 << SlotShift;

    /// <summary>Slots of a segment: a buffer lies in one segment.</summary>
    public const int SegmentSlots = 128;

    /// <summary>Bytes of a segment: the largest buffer.</summary>
    public const int SegmentBytes = SegmentSlots * SlotBytes;

    private const uint SlotMask = SlotBytes - 1;

    private readonly BounceSlot[] _slots;
    private readonly DmaContext?[] _owners;   // by first slot of a buffer
    private readonly byte* _bytes;            // where the CPU finds the first slot
    private readonly ulong _start;            // its physical address
    private readonly Area[] _areas;           // a power of two of them
    private readonly int _areaSlots;          // slots of an area

    /// <summary>Cuts memory up.</summary>
    /// <param name="memory">A multiple of a segment.</param>
    /// <param name="areas">At most so many areas; a power of two.</param>
    public BounceChunk(MemoryBlock memory, int areas)
    {
        Memory = memory;
        _bytes = new DmaSource(memory).Pointer;
        _start = memory.Address.Value;
        Slots = memory.Length >> SlotShift;
        while (Slots / areas < SegmentSlots || Slots % (areas * SegmentSlots) != 0)
            areas /= 2;
        _areaSlots = Slots / areas;
        _slots = new BounceSlot[Slots];
        _owners = new DmaContext?[Slots];
        for (var i = 0; i < Slots; i++)
            _slots[i].Free = (ushort)(SegmentSlots - (i % SegmentSlots));
        _areas = new Area[areas];
        for (var i = 0; i < areas; i++)
            _areas[i] = new Area();
    }

    /// <summary>The memory.</summary>
    public MemoryBlock Memory { get; }

    /// <summary>Number of slots.</summary>
    public int Slots { get; }

    /// <summary>Number of areas.</summary>
    public int Areas => _areas.Length;

    /// <summary>Slots that are taken.</summary>
    public int Used
    {
        get
        {
            var used = 0;
            foreach (var area in _areas)
                used += Volatile.Read(ref area.Used);
            return used;
        }
    }

    /// <summary>Whether an address lies in this memory.</summary>
    public bool Contains(PhysicalAddress address) => address.Value - _start < (ulong)Memory.Length;

    /// <summary>Looks for slots in one area and takes them.</summary>
    /// <param name="index">Number of the area.</param>
    /// <param name="request">What for.</param>
    /// <param name="size">Bytes with everything around: a multiple of the alignment.</param>
    /// <param name="offset">Bytes to keep free at the start.</param>
    /// <param name="address">The first byte of the buffer.</param>
    public bool TryTake(int index, in BounceRequest request, ulong size, ulong offset, out PhysicalAddress address)
    {
        address = default;
        var area = _areas[index];
        lock (area.Lock)
        {
            var slot = Find(index, area, request, size);
            if (slot < 0)
                return false;
            address = Take(area, slot, request, size, offset);
            AssertInvariants(area, slot);
            return true;
        }
    }

    /// <summary>Whether an address lies in a buffer that mirrors other memory.</summary>
    public bool Mirrors(PhysicalAddress address) => _slots[(int)((address.Value - _start) >> SlotShift)].Origin is not null;

    /// <summary>Whether a buffer begins at an address that an owner took and has not given back.</summary>
    public bool IsHeld(PhysicalAddress address, DmaContext owner)
    {
        var slot = (int)((address.Value - _start) >> SlotShift);
        return _slots[slot].Origin is not null && Volatile.Read(ref _owners[slot - _slots[slot].Padding]) == owner;
    }

    /// <summary>Gives a buffer back.</summary>
    /// <param name="address">Its first byte.</param>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: none is taken there.</exception>
    public void Release(PhysicalAddress address)
    {
        var slot = (int)((address.Value - _start) >> SlotShift);
        slot -= _slots[slot].Padding;
        var area = _areas[slot / _areaSlots];
        lock (area.Lock)
        {
            var count = _slots[slot].Count;
            if (count == 0)
                throw new ApertureException(Status.InvalidArgument,
                    $"no buffer is taken at {address} of a bounce pool: it was given back before");
            var behind = slot + count;
            var free = behind % SegmentSlots != 0 ? _slots[behind].Free : (ushort)0;
            for (var i = behind - 1; i >= slot; i--)
                _slots[i] = new BounceSlot { Free = ++free };
            _owners[slot] = null;
            for (var i = slot - 1; i >= 0 && i % SegmentSlots != SegmentSlots - 1 && _slots[i].Free != 0; i--)
                _slots[i].Free = ++free;
            area.Used -= count;
            AssertInvariants(area, slot);
        }
    }

    /// <summary>Adds up who holds how many buffers, and how many bytes of slots for them.</summary>
    public void AddOwners(Dictionary<DmaContext, (int Buffers, long Bytes)> owners)
    {
        for (var i = 0; i < Slots; i++)
        {
            if (Volatile.Read(ref _owners[i]) is not { } owner)
                continue;
            var (buffers, bytes) = owners.GetValueOrDefault(owner);
            owners[owner] = (buffers + 1, bytes + ((long)_slots[i].Count << SlotShift));
        }
    }

    private sealed class Area
    {
        public readonly Lock Lock = new(); // guards the area's slots and what is below
        public int Used;                   // slots taken
        public int Next;                   // where the next search begins, from the area's first slot
    }
}
