using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Aperture.Core.PageTables;

/// <summary>Work on consecutive entries of one table. The width is a constant of the format, so that only one branch of each
/// method remains when it is inlined.</summary>
internal static unsafe class EntryRun
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Load(byte* entry, int width) =>
        width == 4 ? Volatile.Read(ref *(uint*)entry) : Volatile.Read(ref *(ulong*)entry);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* entry, int width, ulong value)
    {
        if (width == 4)
            Volatile.Write(ref *(uint*)entry, (uint)value);
        else
            Volatile.Write(ref *(ulong*)entry, value);
    }

    /// <summary>Replaces the entry if it still is <paramref name="expected"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryReplace(byte* entry, int width, ulong expected, ulong value) => width == 4
        ? Interlocked.CompareExchange(ref *(uint*)entry, (uint)value, (uint)expected) == (uint)expected
        : Interlocked.CompareExchange(ref *(ulong*)entry, value, expected) == expected;

    /// <summary>Writes the same value to every entry.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fill(byte* entry, int width, int count, ulong value)
    {
        if (width == 4)
            new Span<uint>(entry, count).Fill((uint)value);
        else
            new Span<ulong>(entry, count).Fill(value);
    }

    /// <summary>Writes <paramref name="first"/>, <paramref name="first"/> + <paramref name="step"/>, ...</summary>
    public static void FillLinear(byte* entry, int width, int count, ulong first, ulong step)
    {
        if (width == 4)
            FillLinear((uint*)entry, count, (uint)first, (uint)step);
        else
            FillLinear((ulong*)entry, count, first, step);
    }

    /// <summary>Number of leading entries with <c>(entry &amp; mask) == value</c>.</summary>
    public static int CountMatching(byte* entry, int width, int count, ulong mask, ulong value) => width == 4
        ? CountMatching((uint*)entry, count, (uint)mask, (uint)value)
        : CountMatching((ulong*)entry, count, mask, value);

    private static void FillLinear(uint* entry, int count, uint first, uint step)
    {
        var i = 0;
        if (count >= Vector256<uint>.Count)
        {
            var values = Vector256.CreateSequence(first, step);
            var advance = Vector256.Create(step * (uint)Vector256<uint>.Count);
            for (; i <= count - Vector256<uint>.Count; i += Vector256<uint>.Count)
            {
                values.Store(entry + i);
                values += advance;
            }
        }

        for (; i < count; i++)
            entry[i] = first + (step * (uint)i);
    }

    private static void FillLinear(ulong* entry, int count, ulong first, ulong step)
    {
        var i = 0;
        if (count >= Vector256<ulong>.Count)
        {
            var values = Vector256.CreateSequence(first, step);
            var advance = Vector256.Create(step * (ulong)Vector256<ulong>.Count);
            for (; i <= count - Vector256<ulong>.Count; i += Vector256<ulong>.Count)
            {
                values.Store(entry + i);
                values += advance;
            }
        }

        for (; i < count; i++)
            entry[i] = first + (step * (ulong)i);
    }

    private static int CountMatching(uint* entry, int count, uint mask, uint value)
    {
        var i = 0;
        if (count >= Vector256<uint>.Count)
        {
            var masks = Vector256.Create(mask);
            var values = Vector256.Create(value);
            while (i <= count - Vector256<uint>.Count && Vector256.EqualsAll(Vector256.Load(entry + i) & masks, values))
                i += Vector256<uint>.Count;
        }

        while (i < count && (entry[i] & mask) == value)
            i++;
        return i;
    }

    private static int CountMatching(ulong* entry, int count, ulong mask, ulong value)
    {
        var i = 0;
        if (count >= Vector256<ulong>.Count)
        {
            var masks = Vector256.Create(mask);
            var values = Vector256.Create(value);
            while (i <= count - Vector256<ulong>.Count && Vector256.EqualsAll(Vector256.Load(entry + i) & masks, values))
                i += Vector256<ulong>.Count;
        }

        while (i < count && (entry[i] & mask) == value)
            i++;
        return i;
    }
}
