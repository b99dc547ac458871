namespace Aperture.Core.Memory;

/// <summary>What is left of some memory.</summary>
/// <param name="Free">Bytes that are free.</param>
/// <param name="LargestPiece">Bytes of the largest block that could be taken now.</param>
public readonly record struct MemoryRoom(ulong Free, ulong LargestPiece)
{
    /// <summary>What is left of both.</summary>
    public MemoryRoom With(MemoryRoom other) => new(Free + other.Free, Math.Max(LargestPiece, other.LargestPiece));
}
