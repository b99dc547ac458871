namespace Aperture.Hardware.Exynos;

/// <summary>When a faulting access stalls the unit.</summary>
public enum SysMmuStall
{
    /// <summary>Always: versions 1 to 6, and what was recorded of version 7 without virtual machines.</summary>
    Always,

    /// <summary>When bit 3 of MMU_CTRL is set; else the access ends with an error and the unit goes on.</summary>
    ControlBit,

    /// <summary>When bit 3 of the VID's CTRL_VM is set; else the access ends with an error and the unit goes on.</summary>
    VmControlBit,

    /// <summary>Never.</summary>
    Never,
}
