using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.Omap;

namespace Aperture.Drivers.Tests.Omap;

public sealed class Omap3IspConformanceTests() : IommuDriverTests(new OmapBoard(OmapMmuOptions.Omap3Isp, new() { TlbEntries = 8 }));

public sealed class Omap4DspConformanceTests() : IommuDriverTests(new OmapBoard(OmapMmuOptions.Omap4Dsp, new()));

public sealed class Omap4IpuConformanceTests() : IommuDriverTests(new OmapBoard(OmapMmuOptions.Omap4Ipu, new() { BusErrorBack = true }));

public sealed class Dra7DspConformanceTests() : IommuDriverTests(new OmapBoard(OmapMmuOptions.Dra7Dsp, new() { NeedsSystem = true }));

public sealed class Dra7IpuConformanceTests()
    : IommuDriverTests(new OmapBoard(OmapMmuOptions.Dra7Ipu, new() { BusErrorBack = true, HasBypass = false }));

/// <summary>Behind caches that the MMU does not snoop.</summary>
public sealed class Omap3IspCachedConformanceTests()
    : IommuDriverTests(new OmapBoard(OmapMmuOptions.Omap3Isp, new() { TlbEntries = 8 }, new()));

/// <summary>The same, with lines that come and go by themselves.</summary>
public sealed class Omap3IspChaosConformanceTests()
    : IommuDriverTests(new OmapBoard(OmapMmuOptions.Omap3Isp, new() { TlbEntries = 8 }, new() { ChaosSeed = 3 }));
