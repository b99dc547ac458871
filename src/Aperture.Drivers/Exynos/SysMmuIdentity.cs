using Aperture.Datasheets.Exynos;
using Aperture.Devices;

namespace Aperture.Drivers.Exynos;

/// <summary>Which SysMMU a unit is, as its registers tell.</summary>
/// <param name="Version">Major and minor version.</param>
/// <param name="HasVm">Whether it has register blocks per virtual machine; the driver uses the first.</param>
public readonly record struct SysMmuIdentity(SysMmuVersion Version, bool HasVm)
{
    /// <summary>Reads the version, and from version 7 on the capabilities.</summary>
    internal static SysMmuIdentity Read(RegisterRegion registers)
    {
        var version = new SysMmuVersion(registers.Read32(SysMmuRegister.Version));
        var hasVm = version.Major >= 7
            && new SysMmuCapability0(registers.Read32(SysMmuV7Register.Capability0)).HasCapability1
            && new SysMmuCapability1(registers.Read32(SysMmuV7Register.Capability1)).HasVm;
        return new SysMmuIdentity(version, hasVm);
    }

    /// <summary>What MMU_CFG is set to.</summary>
    internal SysMmuConfig Config => Version.IsAtLeast(3, 3) ? SysMmuConfig.From33
        : Version.IsAtLeast(3, 2) ? SysMmuConfig.For32
        : SysMmuConfig.UpTo31;

    /// <summary>Where the registers are.</summary>
    internal SysMmuMap Map => HasVm ? SysMmuMap.V7Vm
        : Version.Major < 5 ? SysMmuMap.V1
        : SysMmuMap.V5;
}
