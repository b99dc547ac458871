using Aperture.Core.Memory;

namespace Aperture.Core.Tests.Memory;

/// <summary>RAM behind caches, with the CPU's and the bus's side of it.</summary>
public sealed class CachedMachine(CpuCacheOptions? options = null) : IDisposable
{
    public const int Bytes = 1 << 20;

    public static PhysicalAddress Start { get; } = new(0x8000_0000);

    public PhysicalMemory Memory { get; } = new(options ?? new CpuCacheOptions(), new MemoryRange(Start, Bytes));

    public CpuCache Cache => Memory.Cache!;

    public Span<byte> Cpu(int offset, int length) => Memory.Span(Start + (ulong)offset, length);

    public Span<byte> Dram(int offset, int length) => Memory.DramSpan(Start + (ulong)offset, length);

    public void Clean(int offset, int length) => Cache.Clean(Start + (ulong)offset, (ulong)length);

    public void Invalidate(int offset, int length) => Cache.Invalidate(Start + (ulong)offset, (ulong)length);

    public void CleanInvalidate(int offset, int length) => Cache.CleanInvalidate(Start + (ulong)offset, (ulong)length);

    public static MemoryRange Range(int offset, int length) => new(Start + (ulong)offset, (ulong)length);

    public void Dispose() => Memory.Dispose();
}
