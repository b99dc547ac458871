using Aperture.Datasheets.Exynos;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Exynos;

public sealed partial record SysMmuOptions
{
    /// <summary>Version 1.0.</summary>
    public static SysMmuOptions V1 { get; } = ForVersion(SysMmuVersion.Of(1, 0).Value);

    /// <summary>Version 2.0: a TLB of 64 sets of 8.</summary>
    public static SysMmuOptions V2 { get; } = ForVersion(SysMmuVersion.Of(2, 0).Value);

    /// <summary>Version 3.1.</summary>
    public static SysMmuOptions V31 { get; } = ForVersion(SysMmuVersion.Of(3, 1).Value);

    /// <summary>Version 3.2.</summary>
    public static SysMmuOptions V32 { get; } = ForVersion(SysMmuVersion.Of(3, 2).Value);

    /// <summary>Version 3.3: with a first-level descriptor cache; 32 TLB entries.</summary>
    public static SysMmuOptions V33 { get; } = ForVersion(SysMmuVersion.Of(3, 3).Value | 32);

    /// <summary>Version 5.0: 36-bit addresses, 32 TLB entries, a second TLB of 256 that software may switch on.</summary>
    public static SysMmuOptions V5 { get; } = ForVersion(SysMmuVersion.Of(5, 0).Value) with { Capability = 32 | (256 << 8) | (1 << 20) };

    /// <summary>Version 7.4 without virtual machines.</summary>
    public static SysMmuOptions V7 { get; } = ForVersion(SysMmuVersion.Of(7, 4).Value);

    /// <summary>Version 7.4 with virtual machines.</summary>
    public static SysMmuOptions V7Vm { get; } =
        ForVersion(SysMmuVersion.Of(7, 4).Value, SysMmuCapability0.HasCapability1Bit, SysMmuCapability1.HasVmBit);

    /// <summary>The options for a unit whose version and capability registers read so. Unknown versions get the behaviour of the nearest
    /// older known one.</summary>
    /// <param name="version">MMU_VERSION.</param>
    /// <param name="capability0">CAPA0 (0x870), version 7.</param>
    /// <param name="capability1">CAPA1 (0x874), version 7.</param>
    public static SysMmuOptions ForVersion(uint version, uint capability0 = 0, uint capability1 = 0)
    {
        var number = new SysMmuVersion(version);
        var options = new SysMmuOptions { Version = version, Capability0 = capability0, Capability1 = capability1 };
        if (!number.IsAtLeast(3, 3))
            options = options with { Replacement = ReplacementPolicy.LeastRecentlyUsed };
        if (number.Major == 2)
            options = options with { TlbBanks = 64, TlbWays = 8 };
        if (number is { Major: 3, Minor: 2 })
            options = options with { FaultingPageBlock = 256 << 10 };
        if (number.IsAtLeast(3, 3))
            options = options with
            {
                FlpdCacheEntries = 64,
                FlpdCacheHoldsFaults = number.Major < 5,
                FlushEntryClearsFlpdCache = number.Major < 5
            };
        if (number.Major >= 7)
            options = options with { WindowSize = 0x10000 };
        return options.Layout == SysMmuLayout.V7Vm ? options with { Stall = SysMmuStall.VmControlBit } : options;
    }
}
