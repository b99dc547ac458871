namespace Aperture.Datasheets.Pci;

/// <summary>Registers of page requests, from the capability's first byte. Source: PCI Express Base Specification, 10.5.2.</summary>
public static class PriRegisters
{
    /// <summary>Bytes.</summary>
    public const int Length = 16;

    /// <summary>Control, 16 bits.</summary>
    public const uint Control = 4;

    /// <summary>[0] of <see cref="Control"/>: the function may send page requests.</summary>
    public const ushort Enable = 1 << 0;

    /// <summary>[1] of <see cref="Control"/>: forget what is outstanding; reads as zero.</summary>
    public const ushort Reset = 1 << 1;

    /// <summary>Status, 16 bits.</summary>
    public const uint Status = 6;

    /// <summary>[0] of <see cref="Status"/>: a request failed for good; cleared by a one.</summary>
    public const ushort ResponseFailure = 1 << 0;

    /// <summary>[1] of <see cref="Status"/>: an answer came that belongs to nothing; cleared by a one.</summary>
    public const ushort UnexpectedIndex = 1 << 1;

    /// <summary>[8] of <see cref="Status"/>: nothing is outstanding that began before the last disabling; read-only.</summary>
    public const ushort Stopped = 1 << 8;

    /// <summary>How many requests the function can have outstanding, 32 bits, read-only.</summary>
    public const uint Capacity = 8;

    /// <summary>How many it may have, 32 bits.</summary>
    public const uint Allocation = 12;
}
