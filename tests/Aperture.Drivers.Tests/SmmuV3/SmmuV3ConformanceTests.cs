using Aperture.Drivers.SmmuV3;
using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.SmmuV3;

namespace Aperture.Drivers.Tests.SmmuV3;

public sealed class SmmuV3Mmu700ConformanceTests() : IommuDriverTests(new SmmuV3Board(SmmuV3Options.Mmu700));

/// <summary>No range invalidations, no dirty state.</summary>
public sealed class SmmuV3Mmu600ConformanceTests() : IommuDriverTests(new SmmuV3Board(SmmuV3Options.Mmu600));

/// <summary>No substreams, no stalls; commands are waited for by a message.</summary>
public sealed class SmmuV3QemuConformanceTests()
    : IommuDriverTests(new SmmuV3Board(SmmuV3Options.Qemu, new SmmuV3DriverOptions { UsesMessages = true }));

/// <summary>Stage 2 only.</summary>
public sealed class SmmuV3Stage2ConformanceTests()
    : IommuDriverTests(new SmmuV3Board(SmmuV3Options.Mmu700 with { HasStage1 = false, SubstreamBits = 0, OutputBits = 40 }));

/// <summary>Small queues, a linear stream table, numbers of eight bits, small caches.</summary>
public sealed class SmmuV3SmallConformanceTests() : IommuDriverTests(new SmmuV3Board(
    SmmuV3Options.Mmu600 with
    {
        HasTwoLevelStreams = false,
        HasTwoLevelContexts = false,
        StreamBits = 10,
        CommandsLog2 = 2,
        EventsLog2 = 2,
        AsidBits = 8,
        VmidBits = 8,
        TlbEntries = 4,
        Configurations = 2,
    },
    new SmmuV3DriverOptions { CommandsLog2 = 1 }));

/// <summary>Behind caches that the unit does not snoop.</summary>
public sealed class SmmuV3CachedConformanceTests()
    : IommuDriverTests(new SmmuV3Board(SmmuV3Options.Mmu700 with { IsCoherent = false }, caches: new()));

/// <summary>The same, with lines that come and go by themselves.</summary>
public sealed class SmmuV3ChaosConformanceTests()
    : IommuDriverTests(new SmmuV3Board(SmmuV3Options.Mmu700 with { IsCoherent = false }, caches: new() { ChaosSeed = 3 }));

/// <summary>Behind caches that the unit snoops.</summary>
public sealed class SmmuV3CoherentConformanceTests() : IommuDriverTests(new SmmuV3Board(SmmuV3Options.Mmu700, caches: new()));
