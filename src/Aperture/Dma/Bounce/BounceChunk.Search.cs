using Aperture.Core;

namespace Aperture.Dma.Bounce;

// Finding slots, and copying.
internal sealed unsafe partial class BounceChunk
{
    /// <summary>Mirrors bytes at any place inside a buffer.</summary>
    /// <param name="address">The first byte in the buffer.</param>
    /// <param name="length">Bytes; what runs past the end of the buffer is left alone.</param>
    /// <param name="toBuffer">From the origin into the buffer, or back.</param>
    /// <returns>Bytes copied.</returns>
    public ulong Copy(PhysicalAddress address, ulong length, bool toBuffer)
    {
        ref var slot = ref _slots[(int)((address.Value - _start) >> SlotShift)];
        if (slot.Origin is null)
            return 0;
        // Negative in the slots behind the first, where the origin belongs to a byte behind the slot's start.
        var from = (long)(address.Value & SlotMask) - slot.Offset;
        var left = slot.Left - from;
        if (left <= 0)
            return 0;
        length = Math.Min(length, (ulong)left);
        var buffer = Pointer(address);
        if (toBuffer)
            Buffer.MemoryCopy(slot.Origin + from, buffer, length, length);
        else
            Buffer.MemoryCopy(buffer, slot.Origin + from, length, length);
        return length;
    }

    /// <summary>Where the CPU finds a byte of this memory.</summary>
    public byte* Pointer(PhysicalAddress address) => _bytes + (address.Value - _start);

    private int Find(int index, Area area, in BounceRequest request, ulong size)
    {
        var count = (int)((size + SlotMask) >> SlotShift);
        if (count > _areaSlots - area.Used)
            return -1;
        var align = request.AllocAlignMask;
        if (align == 0 && request.MinAlignMask == 0 && request.Length >= 4096)
            align = 4095; // drivers count on it (recorded behaviour)
        align |= SlotMask;
        var keep = request.MinAlignMask & ~align;
        var stride = (int)((Math.Max(align, keep) >> SlotShift) + 1);
        var first = index * _areaSlots;
        var at = area.Next;
        for (var seen = 0; seen < _areaSlots;)
        {
            var slot = first + at;
            var address = _start + ((ulong)slot << SlotShift);
            var fits = (address & align) == 0 && (request.Origin is null || (address & keep) == (request.OriginAddress & keep));
            if (fits && _slots[slot].Free >= count && request.Allows(new PhysicalAddress(address), size))
                return slot;
            var step = fits ? stride : 1;
            seen += step;
            at += step;
            if (at >= _areaSlots)
                at = 0;
        }

        return -1;
    }

    private PhysicalAddress Take(Area area, int slot, in BounceRequest request, ulong size, ulong offset)
    {
        var count = (int)((size + SlotMask) >> SlotShift);
        var padding = (int)(offset >> SlotShift);
        var within = offset & SlotMask;
        for (var i = 0; i < count; i++)
        {
            ref var taken = ref _slots[slot + i];
            taken = new BounceSlot { Offset = (ushort)within };
            var used = i - padding; // slots since the buffer's first
            taken.Origin = used >= 0 && request.Origin is not null ? request.Origin + ((ulong)used << SlotShift) : null;
            taken.Left = used >= 0 ? (uint)Math.Max(0, (long)request.Length - ((long)used << SlotShift)) : 0;
        }

        _slots[slot].Count = (ushort)count;
        _slots[slot + padding].Padding = (ushort)padding;
        Volatile.Write(ref _owners[slot], request.Owner);
        ushort free = 0;
        for (var i = slot - 1; i >= 0 && i % SegmentSlots != SegmentSlots - 1 && _slots[i].Free != 0; i--)
            _slots[i].Free = ++free;
        area.Used += count;
        var next = slot + count - (slot / _areaSlots * _areaSlots);
        area.Next = next >= _areaSlots ? 0 : next;
        return new PhysicalAddress(_start + ((ulong)(slot + padding) << SlotShift) + within);
    }
}
