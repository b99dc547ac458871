namespace Aperture.Core.Memory;

/// <summary>Lets lines leave and enter a cache at random: some near each access, some anywhere in what was accessed before.</summary>
internal sealed class CacheChaos(CpuCache cache, int seed, int lines)
{
    private const int Remembered = 1024;

    private readonly Lock _lock = new(); // guards everything below; taken before the lock of a page
    private readonly Random _random = new(seed);
    private readonly MemoryRange[] _ranges = new MemoryRange[Remembered]; // accessed before; one is forgotten at random when it is full
    private int _count; // of those

    /// <summary>Disturbs some lines, as if time had passed.</summary>
    public void Disturb(PhysicalAddress address, ulong length)
    {
        lock (_lock)
        {
            var line = (ulong)cache.LineSize;
            _ranges[_count < Remembered ? _count++ : _random.Next(Remembered)] = new MemoryRange(address, length);
            for (var i = 0; i < lines; i++)
            {
                // The range of this access and the lines on both sides of it, or the same of an access before.
                var range = _random.Next(2) == 0 ? new MemoryRange(address, length) : _ranges[_random.Next(_count)];
                var place = range.Start - line + (ulong)_random.NextInt64((long)Math.Min(range.Length + (2 * line), long.MaxValue));
                cache.Disturb(place, leaves: _random.Next(2) == 0);
            }
        }
    }
}
