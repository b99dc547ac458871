namespace Aperture.Datasheets.Exynos;

/// <summary>Registers of one virtual machine (VID 0 to 7) of a version 7 unit that has them, in bytes. Source: recorded driver
/// behaviour (VID 0); the other VIDs from vendor driver register lists.</summary>
public static class SysMmuVmRegister
{
    /// <summary>Number of VIDs.</summary>
    public const int Count = 8;

    /// <summary>First byte of the block of VID 0.</summary>
    public const uint Block = 0x8000;

    /// <summary>Distance from one block to the next.</summary>
    public const uint BlockStride = 0x1000;

    /// <summary>CTRL_VM within a block, read/write: <see cref="SysMmuVmControl"/>.</summary>
    public const uint Control = 0x00;

    /// <summary>CFG_VM within a block, read/write: bits 31, 29, 28, 19:16, 12 and 2 of <see cref="SysMmuConfig"/>.</summary>
    public const uint Config = 0x04;

    /// <summary>First-level table within a block, read/write: physical address divided by 4096.</summary>
    public const uint TableBase = 0x0C;

    /// <summary>Invalidate-all trigger within a block.</summary>
    public const uint Flush = 0x10;

    /// <summary>Invalidate-page trigger within a block: page address in bits 31:12, bit 0 set.</summary>
    public const uint FlushEntry = 0x14;

    /// <summary>Invalidate-range trigger within a block.</summary>
    public const uint FlushRange = 0x18;

    /// <summary>First address of a range within a block.</summary>
    public const uint FlushRangeStart = 0x20;

    /// <summary>Last address of a range within a block.</summary>
    public const uint FlushRangeEnd = 0x24;

    /// <summary>Fault address of VID 0, read only.</summary>
    public const uint FaultAddress = 0x1000;

    /// <summary>Fault transaction of VID 0, read only: <see cref="SysMmuTransactionInfo"/>.</summary>
    public const uint FaultInfo = 0x1004;

    /// <summary>Distance from the fault registers of one VID to those of the next.</summary>
    public const uint FaultStride = 0x10;
}
