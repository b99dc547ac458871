namespace Aperture.Hardware.Exynos;

/// <summary>Where versions 1 to 4 put the device address of a walk that met a bus error.</summary>
public enum SysMmuBusErrorAddress
{
    /// <summary>DEFAULT_SLAVE_ADDR and PAGE_FAULT_ADDR.</summary>
    Both,

    /// <summary>DEFAULT_SLAVE_ADDR (0x30).</summary>
    DefaultSlave,

    /// <summary>PAGE_FAULT_ADDR (0x24).</summary>
    PageFault,
}
