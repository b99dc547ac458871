namespace Aperture.Datasheets.Tegra;

/// <summary>The one register of the AHB arbiter that has to do with the SMMU. Source: recorded driver behaviour.</summary>
public static class TegraAhbRegister
{
    /// <summary>AHB_ARBITRATION_XBAR_CTRL, read/write.</summary>
    public const uint CrossbarControl = 0x0E0;

    /// <summary>Bit 17: the SMMU is set up, masters on the AHB may use it.</summary>
    public const uint SmmuInitDone = 1u << 17;
}
