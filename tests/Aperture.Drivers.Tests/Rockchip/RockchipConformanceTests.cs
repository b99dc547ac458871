using Aperture.Drivers.Tests.Iommu;

namespace Aperture.Drivers.Tests.Rockchip;

public sealed class RockchipV1ConformanceTests() : IommuDriverTests(new RockchipBoard(new()));

public sealed class RockchipV2ConformanceTests() : IommuDriverTests(new RockchipBoard(new() { IsWide = true }));

/// <summary>Two MMUs that work as one.</summary>
public sealed class RockchipTwoMmusConformanceTests() : IommuDriverTests(new RockchipBoard(new() { Mmus = 2 }));

/// <summary>Units that must not be reset, and that take their time to stall.</summary>
public sealed class RockchipKeptConformanceTests()
    : IommuDriverTests(new RockchipBoard(new() { Mmus = 2, StallDelayPolls = 3 }, keepsReset: true));

/// <summary>Behind caches that the unit does not snoop, with lines that come and go by themselves.</summary>
public sealed class RockchipCachedConformanceTests()
    : IommuDriverTests(new RockchipBoard(new() { IsWide = true }, caches: new() { ChaosSeed = 5 }));
