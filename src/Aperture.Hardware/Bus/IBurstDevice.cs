namespace Aperture.Hardware.Bus;

/// <summary>A block that takes accesses of any length and alignment, as memory on a card does.</summary>
public interface IBurstDevice : IMmioDevice
{
    /// <summary>Reads bytes.</summary>
    /// <param name="offset">Byte offset into the block.</param>
    /// <param name="destination">The bytes; they lie within the block.</param>
    /// <returns>False for a bus error; the buffer's contents are then undefined.</returns>
    bool TryRead(uint offset, Span<byte> destination);

    /// <summary>Writes bytes.</summary>
    /// <param name="offset">Byte offset into the block.</param>
    /// <param name="source">The bytes; they lie within the block.</param>
    /// <returns>False for a bus error; some bytes may be written then.</returns>
    bool TryWrite(uint offset, ReadOnlySpan<byte> source);
}
