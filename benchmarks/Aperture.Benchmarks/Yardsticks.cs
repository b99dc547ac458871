namespace Aperture.Benchmarks;

/// <summary>What this machine takes for work that everybody knows: the unit of every other figure.</summary>
internal sealed class Yardsticks
{
    private const int RingBytes = 1 << 20;
    private const int FillBytes = 2 << 20;
    private const int CopyBytes = 64 << 10;

    private readonly long[] _ring = new long[RingBytes / sizeof(long)];
    private readonly long[] _fill = new long[FillBytes / sizeof(long)];
    private readonly byte[] _from = new byte[CopyBytes];
    private readonly byte[] _to = new byte[CopyBytes];
    private long _at; // where the walk through the ring stands
    private long _word; // only ever this thread's

    public Yardsticks()
    {
        var order = Enumerable.Range(0, _ring.Length).ToArray();
        new Random(1).Shuffle(order);
        for (var i = 0; i < order.Length; i++)
            _ring[order[i]] = order[(i + 1) % order.Length];
    }

    /// <summary>Four dependent loads in a shuffled ring of 1 MiB.</summary>
    public void Chase4(int times)
    {
        var ring = _ring;
        var at = _at;
        for (var i = 0; i < times; i++)
        {
            at = ring[at];
            at = ring[at];
            at = ring[at];
            at = ring[at];
        }

        _at = at;
    }

    /// <summary>Sequential stores of 8 bytes into 2 MiB.</summary>
    public void Fill8(int times)
    {
        var fill = _fill;
        var at = 0;
        for (var i = 0; i < times; i++)
        {
            Volatile.Write(ref fill[at], i);
            at = (at + 1) & (fill.Length - 1);
        }
    }

    /// <summary>Copies of 64 KiB.</summary>
    public void Copy(int times)
    {
        for (var i = 0; i < times; i++)
            _from.AsSpan().CopyTo(_to);
    }

    /// <summary>Compare-and-swaps of a word that nobody else wants.</summary>
    public void Cas(int times)
    {
        ref var word = ref _word;
        var seen = word;
        for (var i = 0; i < times; i++)
        {
            Interlocked.CompareExchange(ref word, seen + 1, seen);
            seen++;
        }
    }

    /// <summary>Bytes that one <see cref="Copy"/> copies.</summary>
    public static int BytesOfCopy => CopyBytes;
}
