using Aperture.Conformance.Drivers;
using Aperture.Conformance.Models;
using Aperture.Conformance.Vectors;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Conformance.Tests;

/// <summary>A driver whose register writes get lost is caught, whatever it loses.</summary>
public class BrokenDriverTests
{
    [Theory]
    [InlineData("omap/basic_pagesizes.jsonl", 0x64u, "stale")] // FLUSH_ENTRY
    [InlineData("omap/tlb_flush.jsonl", 0x64u, "still there")]
    [InlineData("omap/platform_reset.jsonl", 0x44u, "CNTL is 0x6; got 0x0")] // CNTL
    [InlineData("omap/dual_mmu_dra7_dsp.jsonl", 0x4Cu, "TTB names 0x80000000; got 0x0")] // TTB
    [InlineData("omap/fault_interrupt.jsonl", 0x1Cu, "IRQENABLE is 0x1e; got 0x0")] // IRQENABLE
    [InlineData("exynos/basic_pagesizes_v1.jsonl", 0x10u, "stale")] // MMU_FLUSH_ENTRY
    [InlineData("exynos/basic_pagesizes_v2.jsonl", 0x10u, "stale")]
    [InlineData("exynos/basic_pagesizes_v3_3.jsonl", 0x0Cu, "stale")] // MMU_FLUSH, for the first-level descriptor cache
    [InlineData("exynos/basic_pagesizes_v5.jsonl", 0x14u, "stale")]
    [InlineData("exynos/basic_pagesizes_v7vm.jsonl", 0x8014u, "stale")]
    [InlineData("exynos/basic_pagesizes_v7vm.jsonl", 0x8000u, "CTRL_VM is 0x9; got 0x0")] // CTRL_VM
    [InlineData("exynos/context_switch_v3_3.jsonl", 0x14u, "table base names 0x80004000; got 0x0")] // table base
    [InlineData("tegra/basic_tegra30.jsonl", 0x30u, "stale")] // SMMU_TLB_FLUSH
    [InlineData("tegra/basic_tegra124.jsonl", 0x34u, "stale")] // SMMU_PTC_FLUSH
    [InlineData("tegra/high_physical_tegra210.jsonl", 0x9B8u, "takes 0x10000000 to 0x2c1234000; got a fault")] // SMMU_PTC_FLUSH_HI
    [InlineData("tegra/context_switch_tegra210.jsonl", 0x1Cu, "dc uses 0x80000000; got 0x80001000")] // SMMU_PTB_ASID
    [InlineData("tegra/context_switch_tegra30.jsonl", 0x20u, "epp uses 0x80000000; got 0x0")] // SMMU_PTB_DATA
    [InlineData("tegra/multi_swgroup_tegra124.jsonl", 0x244u, "dcb enable is 0x80000000; got 0x0")] // ASID of swgroup dcb
    [InlineData("tegra/basic_tegra114.jsonl", 0x228u, "SMMU_TRANSLATION_ENABLE_0 is 0x1002a; got 0x0")] // SMMU_TRANSLATION_ENABLE_0
    [InlineData("tegra/soc_tables_tegra210.jsonl", 0x14u, "SMMU_TLB_CONFIG is 0x30000030; got 0x20000010")] // SMMU_TLB_CONFIG
    [InlineData("msm/basic_pagesizes.jsonl", 0x808u, "stale")] // TLBIVA
    [InlineData("msm/context_switch.jsonl", 0x10u, "TTBR0 of bank 0 names 0x80000000; got 0x0")] // TTBR0
    [InlineData("msm/context_bank.jsonl", 0x1010u, "TTBR0 of bank 1 names 0x80000000; got 0x0")]
    [InlineData("msm/two_iommus.jsonl", 0xFF008u, "M2VCBR_2 is 0xc00000; got 0x0")] // M2VCBR of machine ID 2
    [InlineData("msm/prot_variants.jsonl", 0x4u, "ACTLR of bank 0 is 0x37072; got 0x0")] // ACTLR
    [InlineData("msm/alignment_errors.jsonl", 0x4Cu, "BFBCR of bank 0 is 0x1; got 0x0")] // BFBCR
    [InlineData("msm/mixed_sizes.jsonl", 0x34u, "PRRR of bank 0 is 0x800b8204; got 0x0")] // PRRR
    [InlineData("rockchip/basic_pagesizes_v1.jsonl", 0x10u, "stale")] // ZAP_ONE_LINE
    [InlineData("rockchip/multi_bank_v1.jsonl", 0x10u, "stale")]
    [InlineData("rockchip/fault_interrupt_v2.jsonl", 0x1Cu, "INT_MASK is 0x3; got 0x0")] // INT_MASK
    [InlineData("rockchip/context_switch_v1.jsonl", 0x08u, "does not come out of its reset")] // COMMAND
    public void A_lost_register_write_is_caught(string file, uint offset, string problem)
    {
        DriverFamily family = file.Split('/')[0] switch
        {
            "omap" => new LossyOmap(offset),
            "exynos" => new LossyExynos(offset),
            "msm" => new LossyMsm(offset),
            "rockchip" => new LossyRockchip(offset),
            _ => new LossyTegra(offset),
        };

        var part = DriverReplay.Run(VectorFile.Load(VectorFolder.Path(file)), family, out _);

        Assert.True(part.Failed > 0);
        Assert.Contains(problem, $"{part.First!.Expected}; got {part.First.Got}", StringComparison.Ordinal);
    }

    private sealed class LossyOmap(uint offset) : OmapDriverFamily
    {
        public override IDriver CreateDriver(IommuCore core, Func<string, UnitFacts> facts) =>
            new LossyDriver(base.CreateDriver(core, facts), offset);
    }

    private sealed class LossyExynos(uint offset) : ExynosDriverFamily
    {
        public override IDriver CreateDriver(IommuCore core, Func<string, UnitFacts> facts) =>
            new LossyDriver(base.CreateDriver(core, facts), offset);
    }

    private sealed class LossyRockchip(uint offset) : RockchipDriverFamily
    {
        public override IDriver CreateDriver(IommuCore core, Func<string, UnitFacts> facts) =>
            new LossyDriver(base.CreateDriver(core, facts), offset);
    }

    private sealed class LossyMsm(uint offset) : MsmDriverFamily
    {
        public override IDriver CreateDriver(IommuCore core, Func<string, UnitFacts> facts) =>
            new LossyDriver(base.CreateDriver(core, facts), offset);
    }

    private sealed class LossyTegra(uint offset) : TegraDriverFamily
    {
        public override IDriver CreateDriver(IommuCore core, Func<string, UnitFacts> facts) =>
            new LossyDriver(base.CreateDriver(core, facts), offset);
    }

    private sealed class LossyDriver(IDriver driver, uint offset) : IDriver
    {
        public string Name => driver.Name;

        public IReadOnlyList<string> Compatible => driver.Compatible;

        public IBoundDriver Probe(Device device)
        {
            device.Registers[0] = new LossyRegisters(device.Registers[0], offset);
            return driver.Probe(device);
        }
    }
}
