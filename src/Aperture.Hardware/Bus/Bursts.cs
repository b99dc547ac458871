using System.Buffers.Binary;

namespace Aperture.Hardware.Bus;

/// <summary>Accesses of any length to blocks: at once where the block takes that, else in words of 32 bits, and smaller ones at the
/// ends.</summary>
internal static class Bursts
{
    /// <summary>Reads bytes of a block.</summary>
    /// <returns>False for a bus error.</returns>
    public static bool TryRead(IMmioDevice block, uint offset, Span<byte> destination)
    {
        if (block is IBurstDevice memory)
            return memory.TryRead(offset, destination);
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        while (destination.Length > 0)
        {
            var width = WidthAt(offset, destination.Length);
            if (!block.TryRead(offset, width, out var value))
                return false;
            BinaryPrimitives.WriteUInt64LittleEndian(word, value);
            word[..width].CopyTo(destination);
            destination = destination[width..];
            offset += (uint)width;
        }

        return true;
    }

    /// <summary>Writes bytes of a block.</summary>
    /// <returns>False for a bus error.</returns>
    public static bool TryWrite(IMmioDevice block, uint offset, ReadOnlySpan<byte> source)
    {
        if (block is IBurstDevice memory)
            return memory.TryWrite(offset, source);
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        while (source.Length > 0)
        {
            var width = WidthAt(offset, source.Length);
            word.Clear();
            source[..width].CopyTo(word);
            if (!block.TryWrite(offset, width, BinaryPrimitives.ReadUInt64LittleEndian(word)))
                return false;
            source = source[width..];
            offset += (uint)width;
        }

        return true;
    }

    private static int WidthAt(uint offset, int length) =>
        (offset & 3) == 0 && length >= 4 ? 4 : (offset & 1) == 0 && length >= 2 ? 2 : 1;
}
