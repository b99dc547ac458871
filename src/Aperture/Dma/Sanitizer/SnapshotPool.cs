using System.Numerics;

namespace Aperture.Dma.Sanitizer;

/// <summary>Buffers for copies of mapped memory, kept for the next mapping, up to a number of bytes.</summary>
internal sealed class SnapshotPool(long budget)
{
    /// <summary>The largest copy.</summary>
    public const ulong Largest = 1 << 30;

    private readonly Lock _lock = new(); // guards everything here; nothing is taken under it
    // by the logarithm of the length
    private readonly Stack<byte[]>[] _free = [.. Enumerable.Range(0, 32).Select(_ => new Stack<byte[]>())];
    private long _taken; // bytes of all buffers that exist

    /// <summary>How often there was no buffer.</summary>
    public long Refused { get; private set; }

    public static int OrderOf(ulong length) => Math.Max(6, 32 - BitOperations.LeadingZeroCount((uint)length - 1));

    public byte[]? Rent(ulong length)
    {
        lock (_lock)
        {
            if (length > Largest)
            {
                Refused++;
                return null;
            }

            var order = OrderOf(length);
            if (_free[order].TryPop(out var buffer))
                return buffer;
            if (_taken + (1L << order) > budget && !MakeRoom(1L << order))
            {
                Refused++;
                return null;
            }

            _taken += 1L << order;
            return GC.AllocateUninitializedArray<byte>(1 << order);
        }
    }

    public void Return(byte[] buffer)
    {
        lock (_lock)
            _free[BitOperations.Log2((uint)buffer.Length)].Push(buffer);
    }

    /// <summary>Gives buffers of other sizes up.</summary>
    private bool MakeRoom(long bytes)
    {
        foreach (var stack in _free)
        {
            while (_taken + bytes > budget && stack.TryPop(out var buffer))
                _taken -= buffer.Length;
        }

        return _taken + bytes <= budget;
    }
}
