using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.Omap;

namespace Aperture.Drivers.Tests.Omap;

public sealed class Omap3IspConformanceTests() : IommuDriverTests(new OmapBoard(OmapMmuOptions.Omap3Isp, new() { TlbEntries = 8 }));

public sealed class Omap4DspConformanceTests() : IommuDriverTests(new OmapBoard(OmapMmuOptions.Omap4Dsp, new()));

public sealed class Omap4IpuConformanceTests() : IommuDriverTests(new OmapBoard(OmapMmuOptions.Omap4Ipu, new() { BusErrorBack = true }));

public sealed class Dra7DspConformanceTests() : IommuDriverTests(new OmapBoard(OmapMmuOptions.Dra7Dsp, new() { NeedsSystem = true }));

public sealed class Dra7IpuConformanceTests() : IommuDriverTests(new OmapBoard(OmapMmuOptions.Dra7Ipu, new() { BusErrorBack = true, HasBypass = false }));
