namespace Aperture.Hardware.Exynos;

/// <summary>The register layouts of the SysMMU.</summary>
public enum SysMmuLayout
{
    /// <summary>Versions 1 to 4.</summary>
    V1,

    /// <summary>Versions 5 and 6.</summary>
    V5,

    /// <summary>Version 7 without virtual machines.</summary>
    V7,

    /// <summary>Version 7 with a register block per virtual machine (VID).</summary>
    V7Vm,
}
