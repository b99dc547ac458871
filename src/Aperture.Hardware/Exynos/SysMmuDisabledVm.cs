namespace Aperture.Hardware.Exynos;

/// <summary>What happens to accesses of a VID whose CTRL_VM enable bit is clear while the unit is on.</summary>
public enum SysMmuDisabledVm
{
    /// <summary>They fault.</summary>
    PageFault,

    /// <summary>They pass untranslated.</summary>
    PassThrough,

    /// <summary>They are translated all the same.</summary>
    Translate,
}
