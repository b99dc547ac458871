namespace Aperture.Pocket.Tests.Hardware;

/// <summary>Registers of the Pocket MMU, an IOMMU made up for these tests: offsets and bits. All have 32 bits.</summary>
internal static class PocketRegister
{
    /// <summary>Reads <see cref="IdValue"/>.</summary>
    public const uint Id = 0x00;

    /// <summary>Bit 0: translate; off, addresses pass unchanged. Bit 1: raise the interrupt on faults.</summary>
    public const uint Control = 0x04;

    /// <summary>Address of the first-level table, a multiple of 4096.</summary>
    public const uint Root = 0x08;

    /// <summary>Write 1: forget all pages. Write a multiple of 4096: forget the page, of whatever size, at that address.</summary>
    public const uint Invalidate = 0x0C;

    /// <summary>Bit 0: a fault is latched; bit 1: by a write; bit 2: something is mapped there, without that right. Write anything to
    /// clear.</summary>
    public const uint FaultStatus = 0x10;

    /// <summary>The first byte of the access that faulted.</summary>
    public const uint FaultAddress = 0x14;

    public const uint IdValue = 0x504B_5401;
    public const uint WindowSize = 0x20;
    public const uint Enable = 1;
    public const uint InterruptEnable = 2;
    public const uint All = 1;
    public const uint Faulted = 1;
    public const uint FaultedWriting = 2;
    public const uint FaultedOnRights = 4;
}
