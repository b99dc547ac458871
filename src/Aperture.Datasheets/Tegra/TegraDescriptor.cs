using System.Runtime.CompilerServices;

namespace Aperture.Datasheets.Tegra;

/// <summary>A word of a page directory (PDE) or a page table (PTE): each has 1024 words in one page of 4 KiB.</summary>
/// <remarks><code>
/// 31 30 29   28 27  22 21                    0
/// | R| W|NS|NEXT|     | PFN: address 33:12    |   (PFN: 20 bits on Tegra30 and Tegra114)
/// </code>PDE: with NEXT the page table at PFN; without, and with any other bit, a section of 4 MiB at PFN, whose low ten bits do not
/// count. PTE: a page of 4 KiB. Zero is nothing. Source: recorded driver behaviour; sections are a feature of the hardware that no known
/// driver uses.</remarks>
/// <param name="Value">The word.</param>
public readonly record struct TegraDescriptor(uint Value)
{
    /// <summary>Bit 31: readable.</summary>
    public const uint ReadableBit = 1u << 31;

    /// <summary>Bit 30: writable.</summary>
    public const uint WritableBit = 1u << 30;

    /// <summary>Bit 29: open to accesses that are not secure.</summary>
    public const uint NonSecureBit = 1u << 29;

    /// <summary>Bit 28 of a PDE: it links to a page table.</summary>
    public const uint NextBit = 1u << 28;

    /// <summary>The three bits that say who may access.</summary>
    public const uint RightsMask = ReadableBit | WritableBit | NonSecureBit;

    /// <summary>Log2 of the bytes that a PTE covers.</summary>
    public const int PageShift = 12;

    /// <summary>Log2 of the bytes that a PDE covers.</summary>
    public const int SectionShift = 22;

    /// <summary>Words of a directory or table.</summary>
    public const int Count = 1024;

    /// <summary>Bytes of a directory or table, which is its alignment too.</summary>
    public const int TableSize = Count * sizeof(uint);

    /// <summary>Whether a PDE links to a page table.</summary>
    public bool IsLink => (Value & NextBit) != 0;

    /// <summary>Whether the word grants anything.</summary>
    public bool IsValid => (Value & (ReadableBit | WritableBit)) != 0;

    /// <summary>The page or table.</summary>
    /// <param name="frameMask">The bits of PFN that an SoC has, see <see cref="TegraSoc.FrameMask"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Address(uint frameMask) => (ulong)(Value & frameMask) << PageShift;

    /// <summary>The same page, with only the rights that <paramref name="other"/> grants, too.</summary>
    public TegraDescriptor And(TegraDescriptor other) => new(Value & (other.Value | ~RightsMask));
}
