using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Dma.Memory;

namespace Aperture.Dma.Sanitizer;

/// <summary>The sanitizers of this process that watch <see cref="MemoryBlock.Span"/> and <see cref="SystemMemory.Free"/>. Blocks are plain
/// values that know no machine: each sanitizer looks whether a block is of its own memory.</summary>
internal static unsafe class SpanWatch
{
    private static readonly Lock Changing = new();
    private static DmaSanitizer[]? s_watchers; // null while there is none; replaced whole

    public static bool IsOn
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => s_watchers is not null;
    }

    public static void Add(DmaSanitizer sanitizer)
    {
        lock (Changing)
            s_watchers = [.. s_watchers ?? [], sanitizer];
    }

    public static void Remove(DmaSanitizer sanitizer)
    {
        lock (Changing)
            s_watchers = s_watchers?.Where(watcher => watcher != sanitizer).ToArray() is { Length: > 0 } left ? left : null;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Taken(byte* pointer, PhysicalAddress address, int length)
    {
        foreach (var watcher in Volatile.Read(ref s_watchers) ?? [])
            watcher.OnSpan(pointer, address, length);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Freed(MemoryBlock block, string file, int line)
    {
        foreach (var watcher in Volatile.Read(ref s_watchers) ?? [])
            watcher.OnFree(block, new CallSite(file, line));
    }
}
