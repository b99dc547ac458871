using Aperture.Boards.Checking;

namespace Aperture.Boards.Tests.Checking;

public class BoardCheckerTests
{
    private readonly TreeNode _root = new TreeNode("")
        .Cells("#address-cells", 1)
        .Cells("#size-cells", 1)
        .Strings("compatible", "test,board").Cells("interrupt-parent", 120);
    private readonly TreeNode _memory = new TreeNode("memory@80000000").Strings("device_type", "memory")
        .Cells("reg", 0x8000_0000, 0x1000_0000);
    private readonly TreeNode _reserved = new TreeNode("reserved-memory").Cells("#address-cells", 1).Cells("#size-cells", 1).Flag("ranges");
    private readonly TreeNode _soc = new TreeNode("soc")
        .Strings("compatible", "simple-bus")
        .Cells("#address-cells", 1)
        .Cells("#size-cells", 1).Flag("ranges");
    private readonly TreeNode _power = new TreeNode("power@1000")
        .Strings("compatible", "test,pd")
        .Cells("reg", 0x1000, 0x20)
        .Cells("#power-domain-cells", 0).Cells("phandle", 100);
    private readonly TreeNode _clock = new TreeNode("clock@2000")
        .Strings("compatible", "test,clk")
        .Cells("reg", 0x2000, 0x20)
        .Cells("#clock-cells", 1).Cells("phandle", 101);
    private readonly TreeNode _controller = new TreeNode("controller@3000")
        .Strings("compatible", "test,intc")
        .Cells("reg", 0x3000, 0x20)
        .Flag("interrupt-controller").Cells("#interrupt-cells", 1).Cells("phandle", 120);
    private readonly TreeNode _unit = Unit("mmu@10000", 0x10000, 1, "ti,omap4-iommu", 0);
    private readonly TreeNode _master = Master("camera@20000", 0x20000, 1);
    private readonly TreeNode _smmu = Unit("smmu@30000", 0x30000, 2, "arm,mmu-500", 1);
    private readonly TreeNode _stream = Master("usb@40000", 0x40000, 2, 7);
    private readonly TreeNode _pcie;

    public BoardCheckerTests()
    {
        _pcie = new TreeNode("pcie@50000").Strings("compatible", "test,pcie").Strings("device_type", "pci").Cells("reg", 0x50000, 0x1000)
            .Cells("iommu-map", 0, 2, 0x100, 0x100);
        _master.Cells("clocks", 101, 5).Cells("power-domains", 100).Cells("memory-region", 110);
        _reserved.Add(
            new TreeNode("pool@81000000")
                .Strings("compatible", "shared-dma-pool")
                .Flag("reusable")
                .Cells("reg", 0x8100_0000, 0x10_0000)
                .Cells("phandle", 110));
        _root.Add(_memory, _reserved, _soc.Add(_power, _clock, _controller, _unit, _master, _smmu, _stream, _pcie));
    }

    [Fact]
    public void A_root_that_says_it_is_a_unit_crashed_the_checker()
    {
        var tree = new TreeNode("").Strings("compatible", "qcom,apq8064-iommu").Cells("#iommu-cells", 1).Build();
        Assert.Contains(BoardChecker.Check(tree), finding => finding.Code == FindingCode.Bus
            && finding.Message.Contains("describe it below the root", StringComparison.Ordinal));
    }

    [Fact]
    public void A_sound_tree_has_nothing_but_the_unit_that_is_not_modelled()
    {
        var finding = Assert.Single(BoardChecker.Check(_root.Build()));
        Assert.Equal((FindingCode.UnknownUnit, FindingSeverity.Info, "/soc/smmu@30000"), (finding.Code, finding.Severity, finding.Node));
    }

    [Fact]
    public void Unresolved_unit()
    {
        _master.Cells("iommus", 0x999);
        Expect(FindingCode.Phandle, "/soc/camera@20000", "0x999");
    }

    [Fact]
    public void Reference_to_something_else()
    {
        _master.Cells("iommus", 101);
        Expect(FindingCode.IommuCells, "/soc/camera@20000", "/soc/clock@2000");
    }

    [Fact]
    public void Duplicate_phandle()
    {
        _soc.Add(new TreeNode("second@60000").Cells("phandle", 1));
        Expect(FindingCode.Phandle, "/soc/second@60000", "/soc/mmu@10000");
    }

    [Fact]
    public void Argument_to_a_unit_that_takes_none()
    {
        _master.Cells("iommus", 1, 0);
        Expect(FindingCode.Cells, "/soc/camera@20000", "0 arguments");
        _master.Cells("iommus", 1, 101);
        Expect(FindingCode.Cells, "/soc/camera@20000", "0 arguments");
        _master.Cells("iommus", 1, 77);
        var findings = BoardChecker.Check(_root.Build());
        Assert.Contains(findings, f => f is { Code: FindingCode.Cells, Severity: FindingSeverity.Warning });
        Assert.Contains(findings, f => f is { Code: FindingCode.Phandle, Severity: FindingSeverity.Error });
    }

    [Fact]
    public void Too_few_arguments()
    {
        _stream.Cells("iommus", 2);
        Expect(FindingCode.Cells, "/soc/usb@40000", "1 arguments");
        _stream.Bytes("iommus", 0, 0, 0, 2, 0, 0, 0, 7, 1);
        Expect(FindingCode.Cells, "/soc/usb@40000", "whole number of cells");
    }

    [Fact]
    public void Unit_with_the_wrong_number_of_cells()
    {
        _unit.Cells("#iommu-cells", 1);
        _master.Cells("iommus", 1, 4);
        Expect(FindingCode.Cells, "/soc/mmu@10000", "takes 0");
    }

    [Fact]
    public void Unit_without_cells()
    {
        _unit.Without("#iommu-cells");
        Expect(FindingCode.IommuCells, "/soc/mmu@10000", "add #iommu-cells = <0>");
    }

    [Fact]
    public void Enabled_master_behind_a_disabled_unit()
    {
        _unit.Strings("status", "disabled");
        Expect(FindingCode.Disabled, "/soc/mmu@10000", "so /soc/camera@20000 are not confined", FindingSeverity.Warning);
        _smmu.Strings("status", "disabled").Strings("compatible", "riscv,iommu");
        Expect(FindingCode.Disabled, "/soc/smmu@30000", "lets no DMA of /soc/usb@40000, /soc/pcie@50000 through");
        _smmu.Without("status").Strings("compatible", "arm,mmu-500");
        _master.Strings("status", "disabled");
        ExpectNothing();
    }

    [Fact]
    public void Unit_without_driver()
    {
        _unit.Strings("compatible", "acme,iommu");
        Expect(FindingCode.UnknownUnit, "/soc/mmu@10000", "'acme,iommu'", FindingSeverity.Warning);
    }

    [Fact]
    public void Two_masters_on_a_unit_for_one()
    {
        _soc.Add(Master("second@60000", 0x60000, 1));
        Expect(FindingCode.IdDuplicate, "/soc/second@60000", "single master", FindingSeverity.Warning);
    }

    [Fact]
    public void One_master_twice()
    {
        _stream.Cells("iommus", 2, 7, 2, 7);
        Expect(FindingCode.IdDuplicate, "/soc/usb@40000", "twice", FindingSeverity.Warning);
    }

    [Fact]
    public void Same_id_on_a_unit_that_lets_masters_share()
    {
        _soc.Add(Master("second@60000", 0x60000, 2, 7));
        Expect(FindingCode.IdDuplicate, "/soc/second@60000", "id 0x7", FindingSeverity.Warning);
    }

    [Fact]
    public void Id_out_of_range()
    {
        _stream.Cells("iommus", 2, 0x10000);
        Expect(FindingCode.IdRange, "/soc/usb@40000", "0 to 65535");
    }

    [Fact]
    public void Unit_without_registers()
    {
        _unit.Without("reg");
        Expect(FindingCode.Reg, "/soc/mmu@10000", "no reg");
    }

    [Fact]
    public void Malformed_registers()
    {
        _unit.Cells("reg", 0x10000, 0x100, 0x20000);
        Expect(FindingCode.Reg, "/soc/mmu@10000", "12 bytes");
        _unit.Cells("reg", 0x10000, 0);
        Expect(FindingCode.Reg, "/soc/mmu@10000", "no size");
    }

    [Fact]
    public void Overlapping_registers()
    {
        _unit.Cells("reg", 0x40100, 0x100);
        Expect(FindingCode.Reg, "/soc/mmu@10000", "/soc/usb@40000");
    }

    [Fact]
    public void A_unit_inside_the_window_of_its_own_master_was_an_error()
    {
        _unit.Cells("reg", 0x20100, 0x100);
        Expect(FindingCode.UnitAddress, "/soc/mmu@10000", "@10000, but its reg begins at 0x20100", FindingSeverity.Warning);
        Assert.DoesNotContain(BoardChecker.Check(_root.Build()), finding => finding.Code == FindingCode.Reg);
    }

    [Fact]
    public void Window_that_the_unit_does_not_fit_in()
    {
        _unit.Cells("reg", 0x10000, 0x10);
        Expect(FindingCode.Reg, "/soc/mmu@10000", "0x10 bytes");
        _unit.Cells("reg", 0x60000, 0x10004);
        Expect(FindingCode.Reg, "/soc/mmu@10000", "0x10004 bytes");
        _unit.Cells("reg", 0x60000, 0x100).Strings("compatible", "samsung,exynos-sysmmu")
            .Cells("clocks", 101, 1).Strings("clock-names", "sysmmu");
        Expect(FindingCode.Reg, "/soc/mmu@10000", "0x1000 to 0x10000");
        _root.Strings("compatible", "test,board", "samsung,exynos4412", "samsung,exynos4");
        Expect(FindingCode.UnitAddress, "/soc/mmu@10000", "reg begins at 0x60000", FindingSeverity.Warning);
        Assert.DoesNotContain(BoardChecker.Check(_root.Build()), finding => finding.Code == FindingCode.Reg);
    }

    [Fact]
    public void Registers_that_are_no_whole_words()
    {
        _unit.Cells("reg", 0x10001, 0x100);
        Expect(FindingCode.Reg, "/soc/mmu@10000", "whole words");
        _unit.Cells("reg", 0x10000, 0x102);
        Expect(FindingCode.Reg, "/soc/mmu@10000", "whole words");
    }

    [Fact]
    public void Registers_in_RAM()
    {
        _unit.Cells("reg", 0x8FFF_FFF0, 0x100);
        Expect(FindingCode.Reg, "/soc/mmu@10000", "lies in RAM");
    }

    [Fact]
    public void Registers_that_do_not_translate()
    {
        _soc.Without("ranges");
        Expect(FindingCode.Reg, "/soc/mmu@10000", "cannot be translated");
    }

    [Theory]
    [InlineData("clocks")]
    [InlineData("power-domains")]
    [InlineData("resets")]
    [InlineData("memory-region")]
    public void Unresolved_supplier(string property)
    {
        _master.Cells(property, 0x777);
        Expect(FindingCode.Supplier, "/soc/camera@20000", property);
    }

    [Fact]
    public void Supplier_that_provides_nothing_of_the_kind()
    {
        _master.Cells("clocks", 100);
        Expect(FindingCode.Supplier, "/soc/camera@20000", "#clock-cells");
        _master.Cells("clocks", 101);
        Expect(FindingCode.Cells, "/soc/camera@20000", "#clock-cells");
    }

    [Fact]
    public void Disabled_supplier()
    {
        _power.Strings("status", "disabled");
        _stream.Cells("power-domains", 100);
        Expect(FindingCode.Supplier, "/soc/camera@20000", "/soc/power@1000 is disabled");
        Expect(FindingCode.Supplier, "/soc/usb@40000", "/soc/power@1000 is disabled", FindingSeverity.Warning);
        _unit.Cells("power-domains", 100);
        Expect(FindingCode.Supplier, "/soc/mmu@10000", "/soc/power@1000 is disabled");
    }

    [Fact]
    public void Disabled_supplier_is_told_once_for_all_that_a_node_has_from_it()
    {
        _clock.Strings("status", "disabled");
        _master.Cells("clocks", 101, 5, 101, 6);
        Expect(FindingCode.Supplier, "/soc/camera@20000", "/soc/clock@2000");
        Assert.Single(BoardChecker.Check(_root.Build()), f => f.Code == FindingCode.Supplier);
    }

    [Fact]
    public void Disabled_domain_around_a_domain_that_is_waited_for()
    {
        _power.Cells("power-domains", 102);
        _soc.Add(new TreeNode("power@1100").Strings("compatible", "test,pd").Cells("reg", 0x1100, 0x20)
            .Cells("#power-domain-cells", 0).Cells("phandle", 102).Strings("status", "disabled"));
        Expect(FindingCode.Supplier, "/soc/power@1000", "/soc/power@1100 is disabled");
    }

    [Fact]
    public void Unit_without_interrupt()
    {
        _unit.Without("interrupts");
        Expect(FindingCode.Supplier, "/soc/mmu@10000", "no interrupt");
        _unit.Strings("status", "disabled");
        _master.Strings("status", "disabled");
        ExpectNothing();
    }

    [Fact]
    public void Reserved_regions_overlap()
    {
        _reserved.Add(new TreeNode("other@810f0000").Cells("reg", 0x810F_0000, 0x10_0000));
        Expect(FindingCode.Reserved, "/reserved-memory/other@810f0000", "/reserved-memory/pool@81000000");
    }

    [Fact]
    public void Reserved_region_outside_of_RAM()
    {
        _reserved.Add(new TreeNode("pool@f0000000").Strings("compatible", "shared-dma-pool").Cells("reg", 0xF000_0000, 0x10_0000));
        Expect(FindingCode.Reserved, "/reserved-memory/pool@f0000000", "not inside RAM", FindingSeverity.Warning);
        _memory.Cells("reg", 0, 0);
        ExpectNothing();
    }

    [Fact]
    public void Reserved_region_without_place_and_size()
    {
        _reserved.Add(new TreeNode("lost").Strings("compatible", "shared-dma-pool"));
        Expect(FindingCode.Reserved, "/reserved-memory/lost", "neither reg nor size");
    }

    [Fact]
    public void Region_across_two_blocks_of_RAM_that_touch()
    {
        _memory.Cells("reg", 0x8000_0000, 0x0108_0000, 0x8108_0000, 0x0100_0000);
        ExpectNothing();
    }

    [Fact]
    public void Map_is_no_whole_number_of_entries()
    {
        _pcie.Cells("iommu-map", 0, 2, 0x100);
        Expect(FindingCode.IommuMap, "/soc/pcie@50000", "12 bytes");
    }

    [Fact]
    public void Map_leads_nowhere_or_to_the_wrong_kind()
    {
        _pcie.Cells("iommu-map", 0, 0x888, 0, 1);
        Expect(FindingCode.IommuMap, "/soc/pcie@50000", "0x888");
        _pcie.Cells("iommu-map", 0, 1, 0, 1);
        Expect(FindingCode.IommuMap, "/soc/pcie@50000", "#iommu-cells is 0");
    }

    [Fact]
    public void A_right_map_of_a_unit_with_two_cells_was_an_error()
    {
        _smmu.Cells("#iommu-cells", 2);
        _stream.Cells("iommus", 2, 0x20, 0);
        _pcie.Cells("iommu-map", 0, 2, 0x1C00, 0x3F, 1, 0x100, 2, 0x1C01, 0, 1, 0x200, 2, 0x1C02, 0, 1, 0x300, 2, 0x1C03, 0, 1);
        ExpectNothing();
        _pcie.Cells("iommu-map", 0, 2, 0x1C00, 1, 0x100, 2, 0x1C01, 1);
        Expect(FindingCode.IommuMap, "/soc/pcie@50000", "taken as 0", FindingSeverity.Warning);
    }

    [Fact]
    public void Device_addresses_without_memory_were_an_error()
    {
        var window = new TreeNode("window").Cells("iommu-addresses", 200, 0xFFC0_0000, 0x40_0000).Cells("phandle", 111);
        _reserved.Add(window);
        _stream.Cells("memory-region", 111).Cells("phandle", 200);
        ExpectNothing();
        window.Cells("iommu-addresses", 201, 0xFFC0_0000, 0x40_0000);
        Expect(FindingCode.IommuAddresses, "/reserved-memory/window", "phandle 0xc9");
        window.Cells("iommu-addresses", 200, 0xFFC0_0000);
        Expect(FindingCode.IommuAddresses, "/reserved-memory/window", "<&device address size>");
        window.Cells("iommu-addresses", 200, 0, 0x2000, 200, 0x1000, 0x2000);
        Expect(FindingCode.IommuAddresses, "/reserved-memory/window", "overlap", FindingSeverity.Warning);
        window.Cells("iommu-addresses", 200, 0x1000, 0);
        Expect(FindingCode.IommuAddresses, "/reserved-memory/window", "no bytes", FindingSeverity.Warning);
        window.Cells("iommu-addresses", 101, 0x1000, 0x1000);
        Expect(FindingCode.IommuAddresses, "/reserved-memory/window", "passes no IOMMU", FindingSeverity.Warning);
        window.Cells("iommu-addresses", 200, 0x1000, 0x1000).Cells("reg", 0x8200_0000, 0x1000);
        Expect(FindingCode.IommuAddresses, "/reserved-memory/window", "other device addresses than reg", FindingSeverity.Warning);
        window.Cells("iommu-addresses", 200, 0x8200_0000, 0x1000);
        ExpectNothing();
        _stream.Cells("memory-region", 110);
        Expect(FindingCode.IommuAddresses, "/reserved-memory/window", "does not refer here", FindingSeverity.Warning);
    }

    [Fact]
    public void Map_overlaps_itself_or_its_mask()
    {
        _pcie.Cells("iommu-map", 0, 2, 0, 0x10, 8, 2, 0x10, 0x10);
        Expect(FindingCode.IommuMap, "/soc/pcie@50000", "overlap at id 0x8");
        _pcie.Cells("iommu-map", 0x100, 2, 0, 1).Cells("iommu-map-mask", 0xFF);
        Expect(FindingCode.IommuMap, "/soc/pcie@50000", "outside of iommu-map-mask");
    }

    [Fact]
    public void Map_reaches_beyond_the_unit()
    {
        _pcie.Cells("iommu-map", 0, 2, 0xFFF0, 0x20);
        Expect(FindingCode.IdRange, "/soc/pcie@50000", "65551");
    }

    [Fact]
    public void Devices_wait_for_each_other()
    {
        _power.Cells("power-domains", 102);
        _soc.Add(new TreeNode("power@1100").Strings("compatible", "test,pd").Cells("reg", 0x1100, 0x20)
            .Cells("#power-domain-cells", 0).Cells("phandle", 102).Cells("power-domains", 100));
        Expect(FindingCode.Cycle, "/soc/power@1000", "/soc/power@1000 -> /soc/power@1100 -> /soc/power@1000");
    }

    [Fact]
    public void Domain_that_is_inside_itself()
    {
        _power.Cells("power-domains", 100);
        Expect(FindingCode.Cycle, "/soc/power@1000", "/soc/power@1000 -> /soc/power@1000");
    }

    [Fact]
    public void Master_that_powers_its_own_unit()
    {
        _master.Cells("#power-domain-cells", 0).Cells("phandle", 103);
        _unit.Cells("power-domains", 103);
        Expect(FindingCode.Cycle, "/soc/mmu@10000", "/soc/mmu@10000 -> /soc/camera@20000 -> /soc/mmu@10000");
    }

    [Fact]
    public void Clock_controller_that_consumes_itself_is_no_cycle()
    {
        _clock.Cells("clocks", 101, 3);
        ExpectNothing();
    }

    private static TreeNode Unit(string name, uint address, uint phandle, string compatible, uint cells) =>
        new TreeNode(name)
            .Strings("compatible", compatible)
            .Cells("reg", address, 0x100)
            .Cells("#iommu-cells", cells)
            .Cells("phandle", phandle).Cells("interrupts", phandle);

    private static TreeNode Master(string name, uint address, params uint[] iommus) =>
        new TreeNode(name).Strings("compatible", "test,master").Cells("reg", address, 0x1000).Cells("iommus", iommus);

    private void ExpectNothing() =>
        Assert.Equal([], BoardChecker.Check(_root.Build()).Where(f => f.Severity != FindingSeverity.Info));

    private void Expect(string code, string node, string text, FindingSeverity severity = FindingSeverity.Error)
    {
        var findings = BoardChecker.Check(_root.Build());
        Assert.Contains(
            findings,
            f => f.Code == code && f.Node == node && f.Severity == severity && f.Message.Contains(text, StringComparison.Ordinal));
        Assert.All(findings, f => Assert.True(
            f.Severity == FindingSeverity.Info || f.Code == code || f.Code == FindingCode.UnitAddress || f.Node != node, f.ToString()));
    }
}
