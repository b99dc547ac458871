namespace Aperture.Datasheets.Pci;

/// <summary>Registers of single root I/O virtualisation, from the capability's first byte. Source: Single Root I/O Virtualization and
/// Sharing Specification 1.1, 3.3.</summary>
public static class SriovRegisters
{
    /// <summary>Bytes.</summary>
    public const int Length = 0x40;

    /// <summary>Control, 16 bits.</summary>
    public const uint Control = 0x08;

    /// <summary>[0] of <see cref="Control"/>: the virtual functions are there.</summary>
    public const ushort Enable = 1 << 0;

    /// <summary>[3] of <see cref="Control"/>: they answer in memory space.</summary>
    public const ushort MemorySpace = 1 << 3;

    /// <summary>[4] of <see cref="Control"/>: they may have numbers of devices other than the function's.</summary>
    public const ushort AriHierarchy = 1 << 4;

    /// <summary>How many there are at first, 16 bits, read-only.</summary>
    public const uint InitialVfs = 0x0C;

    /// <summary>How many there can be, 16 bits, read-only.</summary>
    public const uint TotalVfs = 0x0E;

    /// <summary>How many software wants, 16 bits; not to be changed while they are there.</summary>
    public const uint NumVfs = 0x10;

    /// <summary>From the function's requester id to that of the first, 16 bits, read-only.</summary>
    public const uint FirstOffset = 0x14;

    /// <summary>From one to the next, 16 bits, read-only.</summary>
    public const uint Stride = 0x16;

    /// <summary>The device ID of the virtual functions, 16 bits, read-only.</summary>
    public const uint Device = 0x1A;

    /// <summary>Page sizes that there can be, 32 bits: bit n for 2^(n + 12) bytes.</summary>
    public const uint SupportedPages = 0x1C;

    /// <summary>The page size, 32 bits.</summary>
    public const uint SystemPage = 0x20;

    /// <summary>The first of six base address registers: each as large as one virtual function's, and decoding as many as there
    /// are.</summary>
    public const uint Bar0 = 0x24;
}
