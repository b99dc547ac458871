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
