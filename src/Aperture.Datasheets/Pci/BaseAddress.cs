namespace Aperture.Datasheets.Pci;

/// <summary>A base address register, the lower of two where it has 64 bits.</summary>
/// <remarks><code>
/// 31       4      3         2 1    0
/// [ address ][ prefetch ][ type ][ I/O ]
/// </code>Source: PCI Local Bus Specification 3.0, 6.2.5.1. Written with ones, an address bit reads as zero below the size.</remarks>
/// <param name="Value">The register.</param>
public readonly record struct BaseAddress(uint Value)
{
    /// <summary>[0] I/O space.</summary>
    public const uint IoSpace = 1 << 0;

    /// <summary>[2:1] memory space with 64 bits: this register and the next.</summary>
    public const uint Wide = 2 << 1;

    /// <summary>[3] Reads have no side effects.</summary>
    public const uint Prefetchable = 1 << 3;

    /// <summary>The bits of a memory address.</summary>
    public const uint AddressMask = ~0xFu;

    /// <summary>Whether it is in I/O space.</summary>
    public bool IsIo => (Value & IoSpace) != 0;

    /// <summary>Whether it takes two registers.</summary>
    public bool IsWide => !IsIo && (Value & (3 << 1)) == Wide;

    /// <summary>Whether reads have no side effects.</summary>
    public bool IsPrefetchable => !IsIo && (Value & Prefetchable) != 0;

    /// <summary>The lower half of a memory address.</summary>
    public uint Address => Value & AddressMask;
}
