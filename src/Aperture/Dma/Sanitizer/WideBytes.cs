using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Aperture.Dma.Sanitizer;

/// <summary>Copies and compares as many bytes as a page has: on processors with wide vectors sooner than the library's own methods, which
/// are made for any length.</summary>
internal static class WideBytes
{
    private const int Step = 256; // bytes of a turn

    /// <summary>Whether bytes are the same.</summary>
    /// <param name="left">Some.</param>
    /// <param name="right">As many others.</param>
    public static bool AreSame(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        if (!Vector512.IsHardwareAccelerated || left.Length < Step || left.Length != right.Length)
            return left.SequenceEqual(right);
        ref var one = ref MemoryMarshal.GetReference(left);
        ref var other = ref MemoryMarshal.GetReference(right);
        var end = left.Length - (left.Length % Step);
        for (nuint at = 0; at < (nuint)end; at += Step)
        {
            var differs = (Vector512.LoadUnsafe(ref one, at) ^ Vector512.LoadUnsafe(ref other, at))
                | (Vector512.LoadUnsafe(ref one, at + 64) ^ Vector512.LoadUnsafe(ref other, at + 64))
                | (Vector512.LoadUnsafe(ref one, at + 128) ^ Vector512.LoadUnsafe(ref other, at + 128))
                | (Vector512.LoadUnsafe(ref one, at + 192) ^ Vector512.LoadUnsafe(ref other, at + 192));
            if (differs != Vector512<byte>.Zero)
                return false;
        }

        return left[end..].SequenceEqual(right[end..]);
    }

    /// <summary>Copies bytes.</summary>
    /// <param name="from">Some.</param>
    /// <param name="to">At least as many others, which do not overlap.</param>
    public static void Copy(ReadOnlySpan<byte> from, Span<byte> to)
    {
        if (!Vector512.IsHardwareAccelerated || from.Length < Step || to.Length < from.Length)
        {
            from.CopyTo(to);
            return;
        }

        ref var source = ref MemoryMarshal.GetReference(from);
        ref var target = ref MemoryMarshal.GetReference(to);
        var end = from.Length - (from.Length % Step);
        for (nuint at = 0; at < (nuint)end; at += Step)
        {
            var (a, b) = (Vector512.LoadUnsafe(ref source, at), Vector512.LoadUnsafe(ref source, at + 64));
            var (c, d) = (Vector512.LoadUnsafe(ref source, at + 128), Vector512.LoadUnsafe(ref source, at + 192));
            a.StoreUnsafe(ref target, at);
            b.StoreUnsafe(ref target, at + 64);
            c.StoreUnsafe(ref target, at + 128);
            d.StoreUnsafe(ref target, at + 192);
        }

        from[end..].CopyTo(to[end..]);
    }
}
