namespace Aperture.Hardware.Bus;

/// <summary>A block of registers on the bus. IOMMUs and what is beside them take any number of threads; other blocks say so, or take one at
/// a time, as one bus transaction at a time.</summary>
public interface IMmioDevice
{
    /// <summary>Bytes of address space that the block decodes.</summary>
    uint Size { get; }

    /// <summary>Reads a register.</summary>
    /// <param name="offset">Byte offset into the block; below <see cref="Size"/> and a multiple of <paramref name="width"/>.</param>
    /// <param name="width">1, 2, 4 or 8 bytes.</param>
    /// <param name="value">What the block answers, in its low bytes.</param>
    /// <returns>False for a bus error: the block is off, in reset, or does not take this width.</returns>
    bool TryRead(uint offset, int width, out ulong value);

    /// <summary>Writes a register.</summary>
    /// <param name="offset">Byte offset into the block; below <see cref="Size"/> and a multiple of <paramref name="width"/>.</param>
    /// <param name="width">1, 2, 4 or 8 bytes.</param>
    /// <param name="value">The value, in its low bytes.</param>
    /// <returns>False for a bus error: the block is off, in reset, or does not take this width.</returns>
    bool TryWrite(uint offset, int width, ulong value);
}
