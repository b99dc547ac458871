using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.Msm;

namespace Aperture.Drivers.Tests.Msm;

public sealed class MsmTwoBanksConformanceTests() : IommuDriverTests(new MsmBoard(new()));

public sealed class MsmThreeBanksConformanceTests() : IommuDriverTests(new MsmBoard(new() { Banks = 3 }));

/// <summary>The first two of four banks belong to somebody else.</summary>
public sealed class MsmReservedBanksConformanceTests() : IommuDriverTests(new MsmBoard(new() { Banks = 4 }, reservedBanks: 2));

/// <summary>The other way to read the register list: CTX_TLBIALL goes by VMID, translation operations ask V2PCFG, machine IDs without
/// a bank pass unless they may not, clearing a fault releases the access.</summary>
public sealed class MsmOtherChoicesConformanceTests() : IommuDriverTests(new MsmBoard(new()
{
    ContextInvalidation = MsmContextInvalidation.Vmid,
    OperationsAlwaysWalk = false,
    MissingBankPasses = true,
    ClearingReleases = true,
    HasPrivilegedExecuteNever = true,
    ReportsAttributes = true,
}));

/// <summary>A TLB of four entries.</summary>
public sealed class MsmSmallTlbConformanceTests()
    : IommuDriverTests(new MsmBoard(new() { TlbEntries = 4, Replacement = Hardware.Translation.ReplacementPolicy.LeastRecentlyUsed }));

/// <summary>Behind caches that the IOMMU does not snoop.</summary>
public sealed class MsmCachedConformanceTests() : IommuDriverTests(new MsmBoard(new(), new()));

/// <summary>The same, with lines that come and go by themselves.</summary>
public sealed class MsmChaosConformanceTests() : IommuDriverTests(new MsmBoard(new(), new() { ChaosSeed = 3 }));
