namespace Aperture.Datasheets.Rockchip;

/// <summary>Byte offsets of the registers of one MMU of a Rockchip IOMMU. All are 32 bits wide. They are those of the MMU of
/// ARM's Mali-400 (AMD UG1087, "MMU"), confirmed by recorded driver behaviour.</summary>
public static class RockchipMmuRegister
{
    /// <summary>DTE_ADDR: where the directory is, in the form of a directory entry.</summary>
    public const uint TableBase = 0x00;

    /// <summary>STATUS, read-only: see <see cref="RockchipMmuStatus"/>.</summary>
    public const uint Status = 0x04;

    /// <summary>COMMAND, write-only: see <see cref="RockchipMmuCommand"/>.</summary>
    public const uint Command = 0x08;

    /// <summary>PAGE_FAULT_ADDR, read-only: device address of the last fault.</summary>
    public const uint FaultAddress = 0x0C;

    /// <summary>ZAP_ONE_LINE, write-only: a device address whose translation is forgotten.</summary>
    public const uint ZapLine = 0x10;

    /// <summary>INT_RAWSTAT: see <see cref="RockchipMmuInterrupts"/>.</summary>
    public const uint RawStatus = 0x14;

    /// <summary>INT_CLEAR: write one to clear bits of INT_RAWSTAT.</summary>
    public const uint InterruptClear = 0x18;

    /// <summary>INT_MASK: which bits raise the interrupt.</summary>
    public const uint InterruptMask = 0x1C;

    /// <summary>INT_STATUS, read-only: INT_RAWSTAT and INT_MASK.</summary>
    public const uint InterruptStatus = 0x20;

    /// <summary>AUTO_GATING: clock gating. Its meaning is unknown.</summary>
    public const uint AutoGating = 0x24;

    /// <summary>Bytes up to the end of the last register.</summary>
    public const uint Size = 0x28;

    /// <summary>A directory address that drivers write to see whether the unit keeps it, and that its reset clears.</summary>
    public const uint TableBaseTest = 0xCAFE_B000;
}
