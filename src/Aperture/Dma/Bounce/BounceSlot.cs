namespace Aperture.Dma.Bounce;

/// <summary>What a pool knows of one slot.</summary>
internal unsafe struct BounceSlot
{
    public byte* Origin;   // the mirrored byte that lies Offset bytes into this slot; null when the slot is free or mirrors nothing
    public uint Left;      // bytes of the buffer from there on
    public ushort Free;    // free slots from here on, within the segment; 0 when taken
    public ushort Offset;  // bytes that the buffer lies behind the start of its first slot
    public ushort Padding; // in the buffer's first slot: taken slots before it
    public ushort Count;   // in the first taken slot: how many were taken with it
}
