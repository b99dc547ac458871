using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;

namespace Aperture.Drivers.Nic;

/// <summary>Half-pages for received frames. A page is mapped once, when it is first needed, and stays so: a half that comes back is given
/// to the device again by a sync of just the bytes that were looked at.</summary>
internal sealed class ReceivePool
{
    /// <summary>Bytes of a half.</summary>
    public const int HalfBytes = PageBytes / 2;

    private const int PageBytes = 4096;

    private readonly DmaContext _dma;
    private readonly (MemoryBlock Memory, DmaMapping Mapping)[] _pages;
    private readonly int[] _free; // halves that nobody has: page * 2 + half, the last one used next while it is warm
    private int _freeCount;
    private int _mapped; // pages that are mapped

    public ReceivePool(DmaContext dma, int pages)
    {
        _dma = dma;
        _pages = new (MemoryBlock, DmaMapping)[pages];
        _free = new int[2 * pages];
    }

    /// <summary>Pages that are mapped.</summary>
    public int Mapped => _mapped;

    /// <summary>Halves that the ring or a consumer has.</summary>
    public int InUse => (2 * _mapped) - _freeCount;

    /// <summary>Halves that were given to the device again without a new mapping.</summary>
    public ulong Recycled { get; private set; }

    /// <summary>Takes a half that the device owns. False when all are taken, or there is no memory.</summary>
    public bool TryTake(out int half)
    {
        if (_freeCount == 0 && !TryAddPage())
        {
            half = -1;
            return false;
        }

        half = _free[--_freeCount];
        return true;
    }

    /// <summary>Gives a half back of which the CPU was given bytes from the start on.</summary>
    public void Return(int half, int synced)
    {
        if (synced > 0)
        {
            _pages[half / 2].Mapping.SyncForDevice(Offset(half), (ulong)synced);
            Recycled++;
        }

        _free[_freeCount++] = half;
    }

    public Iova AddressOf(int half) => _pages[half / 2].Mapping.Address + Offset(half);

    /// <summary>The CPU's bytes: those that were synced, and no others.</summary>
    public ReadOnlySpan<byte> Bytes(int half, int offset, int length) =>
        _pages[half / 2].Memory.Slice((int)Offset(half) + offset, length).Span;

    public void SyncForCpu(int half, int offset, int length) =>
        _pages[half / 2].Mapping.SyncForCpu(Offset(half) + (ulong)offset, (ulong)length);

    /// <summary>Unmaps and frees all pages.</summary>
    /// <exception cref="ApertureException"><see cref="Status.Busy"/>: a frame is held.</exception>
    public void Clear()
    {
        if (InUse > 0)
            throw new ApertureException(Status.Busy, $"{InUse} received frames are still held");
        while (_mapped > 0)
        {
            var (memory, mapping) = _pages[--_mapped];
            mapping.Unmap();
            _dma.Memory.Free(memory);
        }

        _freeCount = 0;
    }

    private bool TryAddPage()
    {
        if (_mapped == _pages.Length || !_dma.Memory.TryAllocate(PageBytes, new PhysicalAddress(ulong.MaxValue), out var memory))
            return false;
        if (_dma.TryMap(memory, DmaDirection.FromDevice, out var mapping) != Status.Ok)
        {
            _dma.Memory.Free(memory);
            return false;
        }

        _pages[_mapped] = (memory, mapping);
        _free[_freeCount++] = (2 * _mapped) + 1;
        _free[_freeCount++] = 2 * _mapped;
        _mapped++;
        return true;
    }

    private static ulong Offset(int half) => (ulong)(half % 2 * HalfBytes);
}
