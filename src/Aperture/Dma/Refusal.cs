using Aperture.Core;
using Aperture.Dma.Memory;

namespace Aperture.Dma;

/// <summary>A call that was refused, for its message.</summary>
/// <param name="Verb">What the device could not do.</param>
/// <param name="Bytes">The size that was asked for.</param>
/// <param name="Status">Why.</param>
/// <param name="Attributes">What was wished for.</param>
internal readonly record struct Refusal(string Verb, ulong Bytes, Status Status, DmaAttributes Attributes = DmaAttributes.None)
{
    /// <summary>Which way the bytes were to go.</summary>
    public DmaDirection Direction { get; init; }

    /// <summary>The device address that was asked for, if one was.</summary>
    public Iova? At { get; init; }

    /// <summary>The memory, where it is known.</summary>
    public PhysicalAddress? Memory { get; init; }

    /// <summary>Of an allocation: where the memory was to come from.</summary>
    public SystemMemory? Source { get; init; }

    /// <summary>Of an allocation: the highest physical address that the memory could have.</summary>
    public PhysicalAddress Highest { get; init; }

    /// <summary>Whether the limit of coherent memory counts.</summary>
    public bool IsCoherent { get; init; }
}
