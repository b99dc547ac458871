namespace Aperture.Core.Memory;

/// <content>What devices do.</content>
public sealed unsafe partial class CpuCache
{
    /// <summary>Tells that a device that does not snoop is about to read or write: chaos strikes now.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="length">Bytes.</param>
    public void BeforeAccess(PhysicalAddress address, ulong length) => _chaos?.Disturb(address, length);

    /// <summary>Reads as a device that snoops: what the CPU sees.</summary>
    /// <exception cref="ApertureException">The range is not wholly inside one region of RAM.</exception>
    public void ReadCoherent(PhysicalAddress address, Span<byte> destination)
    {
        var region = Find(address, (ulong)destination.Length);
        _chaos?.Disturb(address, (ulong)destination.Length);
        var offset = address.Value - region.Range.Start.Value;
        while (!destination.IsEmpty)
        {
            var length = (int)Math.Min((ulong)destination.Length, PageEnd(offset) - offset);
            lock (LockOf(offset))
                new ReadOnlySpan<byte>((IsCached(region, offset) ? region.Bytes : region.Dram) + offset, length).CopyTo(destination);
            destination = destination[length..];
            offset += (ulong)length;
        }
    }

    /// <summary>Writes as a device that snoops: the CPU and memory see it at once. Lines keep what else the CPU wrote to them.</summary>
    /// <exception cref="ApertureException">The range is not wholly inside one region of RAM.</exception>
    public void WriteCoherent(PhysicalAddress address, ReadOnlySpan<byte> source)
    {
        var region = Find(address, (ulong)source.Length);
        _chaos?.Disturb(address, (ulong)source.Length);
        var offset = address.Value - region.Range.Start.Value;
        while (!source.IsEmpty)
        {
            var length = (int)Math.Min((ulong)source.Length, PageEnd(offset) - offset);
            lock (LockOf(offset))
            {
                source[..length].CopyTo(new Span<byte>(region.Dram + offset, length));
                if (IsCached(region, offset))
                {
                    source[..length].CopyTo(new Span<byte>(region.Lines + offset, length));
                    source[..length].CopyTo(new Span<byte>(region.Bytes + offset, length));
                }
            }

            source = source[length..];
            offset += (ulong)length;
        }
    }

    /// <summary>Replaces an aligned word as a device that snoops, in one step, if it holds what is expected: the CPU and memory see it at
    /// once.</summary>
    /// <returns>What was there.</returns>
    /// <exception cref="ApertureException">The word is not wholly inside RAM.</exception>
    public uint CompareExchangeCoherent32(PhysicalAddress address, uint expected, uint desired)
    {
        var region = Find(address, sizeof(uint));
        _chaos?.Disturb(address, sizeof(uint));
        var offset = address.Value - region.Range.Start.Value;
        lock (LockOf(offset))
        {
            var isCached = IsCached(region, offset);
            var found = Interlocked.CompareExchange(ref *(uint*)((isCached ? region.Bytes : region.Dram) + offset), desired, expected);
            if (isCached && found == expected)
            {
                Volatile.Write(ref *(uint*)(region.Dram + offset), desired);
                *(uint*)(region.Lines + offset) = desired;
            }

            return found;
        }
    }

    /// <inheritdoc cref="CompareExchangeCoherent32"/>
    public ulong CompareExchangeCoherent64(PhysicalAddress address, ulong expected, ulong desired)
    {
        var region = Find(address, sizeof(ulong));
        _chaos?.Disturb(address, sizeof(ulong));
        var offset = address.Value - region.Range.Start.Value;
        lock (LockOf(offset))
        {
            var isCached = IsCached(region, offset);
            var found = Interlocked.CompareExchange(ref *(ulong*)((isCached ? region.Bytes : region.Dram) + offset), desired, expected);
            if (isCached && found == expected)
            {
                Volatile.Write(ref *(ulong*)(region.Dram + offset), desired);
                *(ulong*)(region.Lines + offset) = desired;
            }

            return found;
        }
    }

    /// <summary>A line leaves the cache, or is written to memory and stays.</summary>
    internal void Disturb(PhysicalAddress address, bool leaves)
    {
        foreach (var region in _regions)
        {
            var offset = (address.Value - region.Range.Start.Value) & ~(_line - 1);
            if (address.Value - region.Range.Start.Value >= region.Range.Length)
                continue;
            lock (LockOf(offset))
            {
                if (!IsCached(region, offset))
                    return;
                if (IsDirty(region, offset))
                {
                    WriteBack(region, offset);
                    Interlocked.Increment(ref _evicted);
                }

                if (leaves && Refill(region, offset))
                    Interlocked.Increment(ref _refilled);
            }
        }
    }
}
