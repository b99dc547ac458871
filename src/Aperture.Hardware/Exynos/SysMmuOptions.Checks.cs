using System.Numerics;
using Aperture.Core;
using Aperture.Datasheets.Exynos;

namespace Aperture.Hardware.Exynos;

public sealed partial record SysMmuOptions
{
    private const int DefaultTlbWays = 32;

    /// <summary>Entries of a TLB bank, after the version and capability registers were asked.</summary>
    internal int EffectiveTlbWays
    {
        get
        {
            if (TlbWays != 0)
                return TlbWays;
            var told = Layout switch
            {
                SysMmuLayout.V1 => new SysMmuVersion(Version).TlbEntries,
                SysMmuLayout.V5 => new SysMmuCapability(Capability).TlbEntries,
                _ => new SysMmuCapability0(Capability0).TlbWays,
            };
            return told == 0 ? DefaultTlbWays : (int)told;
        }
    }

    /// <summary>Entries of the second TLB, after the capability register was asked.</summary>
    internal int EffectiveL2TlbEntries => L2TlbEntries != 0 ? L2TlbEntries : Layout switch
    {
        SysMmuLayout.V1 => 0,
        SysMmuLayout.V5 => (int)new SysMmuCapability(Capability).L2TlbEntries,
        _ => (int)new SysMmuCapability0(Capability0).SecondTlbEntries,
    };

    /// <summary>Refuses what no unit can be.</summary>
    /// <exception cref="ApertureException">An option is out of the range that it documents.</exception>
    internal void Validate()
    {
        Require(WindowSize is >= 0x100 and <= 0x10000 && WindowSize % 4 == 0,
            "the register window is a multiple of 4 bytes from 0x100 to 0x10000");
        Require(TlbBanks is >= 1 and <= 1024 && BitOperations.IsPow2(TlbBanks), "TLB banks are a power of two up to 1024");
        Require(TlbWays is >= 0 and <= 4096 && L2TlbEntries is >= 0 and <= 65536,
            "a TLB bank has up to 4096 entries, a second TLB up to 65536");
        Require(FlpdCacheEntries == 0 || (FlpdCacheEntries is > 0 and <= 4096 && BitOperations.IsPow2(FlpdCacheEntries)),
            "first-level descriptor cache entries are 0 or a power of two up to 4096");
        Require(FaultingPageBlock is >= 4 << 10 and <= 256 << 10 && BitOperations.IsPow2(FaultingPageBlock),
            "a block of faulting pages is a power of two from 4 KiB to 256 KiB");
        Require(FirstLevelTypeBits is 2 or 3, "a first-level type has 2 or 3 bits");
        Require(PrefetchBuffers is 0 or 3 or 4 or 6, "there are 0, 3, 4 or 6 prefetch buffers");
        Require(VidOfStream.All(vid => vid < SysMmuVmRegister.Count), "VIDs are 0 to 7");
    }

    private static void Require(bool holds, string rule)
    {
        if (!holds)
            throw new ApertureException(Status.InvalidArgument, rule);
    }
}
