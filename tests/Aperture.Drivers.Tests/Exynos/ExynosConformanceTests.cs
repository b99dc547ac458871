using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.Exynos;

namespace Aperture.Drivers.Tests.Exynos;

public sealed class ExynosV1ConformanceTests() : IommuDriverTests(new ExynosBoard(SysMmuOptions.V1));

public sealed class ExynosV2ConformanceTests() : IommuDriverTests(new ExynosBoard(SysMmuOptions.V2));

public sealed class ExynosV31ConformanceTests() : IommuDriverTests(new ExynosBoard(SysMmuOptions.V31));

public sealed class ExynosV32ConformanceTests() : IommuDriverTests(new ExynosBoard(SysMmuOptions.V32));

public sealed class ExynosV33ConformanceTests() : IommuDriverTests(new ExynosBoard(SysMmuOptions.V33));

public sealed class ExynosV5ConformanceTests() : IommuDriverTests(new ExynosBoard(SysMmuOptions.V5));

public sealed class ExynosV7ConformanceTests() : IommuDriverTests(new ExynosBoard(SysMmuOptions.V7));

public sealed class ExynosV7VmConformanceTests() : IommuDriverTests(new ExynosBoard(SysMmuOptions.V7Vm));

/// <summary>Behind caches that the SysMMU does not snoop.</summary>
public sealed class ExynosV1CachedConformanceTests() : IommuDriverTests(new ExynosBoard(SysMmuOptions.V1, new()));

/// <summary>Behind caches that the SysMMU does not snoop.</summary>
public sealed class ExynosV32CachedConformanceTests() : IommuDriverTests(new ExynosBoard(SysMmuOptions.V32, new()));

/// <summary>Behind caches that the SysMMU does not snoop.</summary>
public sealed class ExynosV7VmCachedConformanceTests() : IommuDriverTests(new ExynosBoard(SysMmuOptions.V7Vm, new()));

/// <summary>The same, with lines that come and go by themselves.</summary>
public sealed class ExynosV5ChaosConformanceTests() : IommuDriverTests(new ExynosBoard(SysMmuOptions.V5, new() { ChaosSeed = 3 }));
