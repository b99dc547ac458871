using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.Tegra;

namespace Aperture.Drivers.Tests.Tegra;

public sealed class Tegra30ConformanceTests() : IommuDriverTests(new TegraBoard(TegraSmmuOptions.Tegra30));

public sealed class Tegra114ConformanceTests() : IommuDriverTests(new TegraBoard(TegraSmmuOptions.Tegra114));

public sealed class Tegra124ConformanceTests() : IommuDriverTests(new TegraBoard(TegraSmmuOptions.Tegra124));

public sealed class Tegra132ConformanceTests() : IommuDriverTests(new TegraBoard(TegraSmmuOptions.Tegra132));

public sealed class Tegra210ConformanceTests() : IommuDriverTests(new TegraBoard(TegraSmmuOptions.Tegra210));

/// <summary>With pages of 4 MiB.</summary>
public sealed class Tegra124SectionsConformanceTests()
    : IommuDriverTests(new TegraBoard(TegraSmmuOptions.Tegra124, new() { UsesSections = true }));

/// <summary>With a PTC of one line, and a TLB that holds no empty words.</summary>
public sealed class Tegra114SmallConformanceTests()
    : IommuDriverTests(new TegraBoard(TegraSmmuOptions.Tegra114 with { PtcLines = 1, TlbHoldsEmpty = false }));

/// <summary>Behind caches that the SMMU does not snoop.</summary>
public sealed class Tegra30CachedConformanceTests() : IommuDriverTests(new TegraBoard(TegraSmmuOptions.Tegra30, caches: new()));

/// <summary>The same, with lines that come and go by themselves.</summary>
public sealed class Tegra210ChaosConformanceTests()
    : IommuDriverTests(new TegraBoard(TegraSmmuOptions.Tegra210, caches: new() { ChaosSeed = 5 }));
