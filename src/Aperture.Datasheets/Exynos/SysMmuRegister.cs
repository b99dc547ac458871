namespace Aperture.Datasheets.Exynos;

/// <summary>Register offsets that every version of the SysMMU shares, in bytes. All registers are 32 bits wide.
/// Source: recorded driver behaviour and published driver sources' register lists; there is no public manual.</summary>
public static class SysMmuRegister
{
    /// <summary>MMU_CTRL, read/write: <see cref="SysMmuControl"/>.</summary>
    public const uint Control = 0x000;

    /// <summary>MMU_CFG, read/write: <see cref="SysMmuConfig"/>.</summary>
    public const uint Config = 0x004;

    /// <summary>MMU_STATUS, read only: bit 0 is set while the unit is blocked.</summary>
    public const uint Status = 0x008;

    /// <summary>MMU_VERSION, read only: <see cref="SysMmuVersion"/>.</summary>
    public const uint Version = 0x034;

    /// <summary>MMU_STATUS bit 0: the unit holds all accesses back and none is under way.</summary>
    public const uint StatusBlocked = 1u << 0;
}
