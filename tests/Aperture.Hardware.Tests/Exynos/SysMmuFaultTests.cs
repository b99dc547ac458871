using Aperture.Datasheets.Exynos;
using Aperture.Hardware.Exynos;
using Aperture.Hardware.Translation;
using static Aperture.Hardware.Tests.Exynos.SysMmuHarness;

namespace Aperture.Hardware.Tests.Exynos;

public class SysMmuFaultTests
{
    private const ulong Second = Ram + 0x8000;
    private const ulong Nowhere = 0x1000_0000; // no RAM, no registers

    // version, kind, access, INT_STATUS, register with the address, register with the transaction (0: none), its value
    public static TheoryData<string, string, DmaAccess, uint, uint, uint, uint> Faults => new()
    {
        { "v1", "page", DmaAccess.Read, 1 << 0, 0x24, 0, 0 },
        { "v1", "page", DmaAccess.Write, 1 << 0, 0x24, 0, 0 },
        { "v1", "multihit", DmaAccess.Read, 1 << 1, 0x2C, 0, 0 },
        { "v1", "multihit", DmaAccess.Write, 1 << 2, 0x28, 0, 0 },
        { "v1", "walk", DmaAccess.Read, 1 << 3, 0x30, 0, 0 },
        { "v1", "walk2", DmaAccess.Write, 1 << 3, 0x24, 0, 0 },
        { "v1", "security", DmaAccess.Read, 1 << 4, 0x2C, 0, 0 },
        { "v1", "protection", DmaAccess.Read, 1 << 5, 0x2C, 0, 0 },
        { "v1", "security", DmaAccess.Write, 1 << 6, 0x28, 0, 0 },
        { "v2", "protection", DmaAccess.Write, 1 << 7, 0x28, 0, 0 },
        { "v3.1", "page", DmaAccess.Read, 1 << 0, 0x24, 0, 0 },
        { "v3.2", "protection", DmaAccess.Write, 1 << 7, 0x28, 0, 0 },
        { "v3.3", "page", DmaAccess.Write, 1 << 0, 0x24, 0x4C, 0x100123 },
        { "v3.3", "protection", DmaAccess.Read, 1 << 5, 0x2C, 0x4C, 0x123 },
        { "v5", "walk", DmaAccess.Read, 1 << 0, 0x70, 0x78, 0x123 },
        { "v5", "walk2", DmaAccess.Write, 1 << 16, 0x80, 0x88, 0x123 },
        { "v5", "page", DmaAccess.Read, 1 << 1, 0x70, 0x78, 0x123 },
        { "v5", "page", DmaAccess.Write, 1 << 17, 0x80, 0x88, 0x123 },
        { "v5", "multihit", DmaAccess.Read, 1 << 2, 0x70, 0x78, 0x123 },
        { "v5", "multihit", DmaAccess.Write, 1 << 18, 0x80, 0x88, 0x123 },
        { "v5", "protection", DmaAccess.Read, 1 << 3, 0x70, 0x78, 0x123 },
        { "v5", "protection", DmaAccess.Write, 1 << 19, 0x80, 0x88, 0x123 },
        { "v5", "security", DmaAccess.Read, 1 << 4, 0x70, 0x78, 0x123 },
        { "v5", "security", DmaAccess.Write, 1 << 20, 0x80, 0x88, 0x123 },
        { "v7", "walk", DmaAccess.Read, 1 << 0, 0x70, 0x78, 0x123 },
        { "v7", "page", DmaAccess.Write, 1 << 1, 0x70, 0x78, 0x100123 },
        { "v7", "protection", DmaAccess.Write, 1 << 2, 0x70, 0x78, 0x100123 },
        { "v7", "multihit", DmaAccess.Read, 1 << 3, 0x70, 0x78, 0x123 },
        { "v7vm", "walk", DmaAccess.Write, 1 << 0, 0x1000, 0x1004, 0x100123 },
        { "v7vm", "page", DmaAccess.Read, 1 << 1, 0x1000, 0x1004, 0x123 },
        { "v7vm", "protection", DmaAccess.Write, 1 << 2, 0x1000, 0x1004, 0x100123 },
        { "v7vm", "security", DmaAccess.Read, 1 << 3, 0x1000, 0x1004, 0x123 },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Every_fault_shows_where_its_version_says(string version, string kind, DmaAccess access, uint status, uint addressRegister,
        uint infoRegister, uint info)
    {
        var options = Version(version);
        if (kind == "security")
            options = options with { ViolatesSecurity = _ => true };
        using var sysMmu = new SysMmuHarness(options);
        var address = Provoke(sysMmu, kind, access);
        Assert.Equal(TranslationStatus.Stalled, sysMmu.Translate(address, access, out _));
        Assert.True(sysMmu.Unit.Interrupt.IsAsserted);
        Assert.Equal(status, sysMmu.Read(sysMmu.StatusRegister));
        Assert.Equal((uint)address, sysMmu.Read(addressRegister));
        if (infoRegister != 0)
            Assert.Equal(info, sysMmu.Read(infoRegister));

        // Blocked until software writes the control register; the status is sticky until cleared.
        Assert.Equal(7u, sysMmu.Read(0));
        Assert.Equal(1u, sysMmu.Read(8));
        Assert.Equal(TranslationStatus.Stalled, sysMmu.Translate(0x700000, DmaAccess.Read, out _));
        Assert.Equal(status, sysMmu.Read(sysMmu.StatusRegister));
        sysMmu.Write(sysMmu.StatusRegister, 0);
        Assert.Equal(status, sysMmu.Read(sysMmu.StatusRegister));
        sysMmu.Write(sysMmu.ClearRegister, ~status);
        Assert.True(sysMmu.Unit.Interrupt.IsAsserted);
        sysMmu.Write(sysMmu.ClearRegister, status);
        Assert.False(sysMmu.Unit.Interrupt.IsAsserted);
        sysMmu.Write(0, 5);
        Assert.Equal(0u, sysMmu.Read(8));
        Assert.Equal(1ul, sysMmu.Unit.Counters.Faults);
    }

    private static ulong Provoke(SysMmuHarness sysMmu, string kind, DmaAccess access)
    {
        sysMmu.Link(0, Second);
        switch (kind)
        {
            case "page":
                sysMmu.Enable();
                return 0x1234;
            case "walk":
                sysMmu.Enable(Nowhere);
                return 0x1234;
            case "walk2":
                sysMmu.Link(0, Nowhere);
                sysMmu.Enable();
                return 0x1234;
            case "protection":
                sysMmu.Page(0x1000, Second, 0xA0000000, sysMmu.Shift == 0
                    ? (access == DmaAccess.Write ? SysMmuAccess.Read : SysMmuAccess.None)
                    : access == DmaAccess.Write ? SysMmuAccess.Read : SysMmuAccess.Write);
                sysMmu.Enable();
                return 0x1234;
            case "security":
                sysMmu.Page(0x1000, Second, 0xA0000000);
                sysMmu.Enable();
                return 0x1234;
            default:
                // A section that replaced pages which nobody invalidated.
                sysMmu.Page(0x1000, Second, 0xA0000000);
                sysMmu.Page(0x2000, Second, 0xA0001000);
                sysMmu.Enable();
                sysMmu.Write(4, 4); // first-level descriptor cache off
                sysMmu.AssertMapped(0x1000, 0xA0000000);
                sysMmu.Section(0, 0xB0000000);
                sysMmu.AssertMapped(0x2000, 0xB0002000);
                return 0x1234;
        }
    }

    [Fact]
    public void A_handler_that_repairs_the_table_lets_the_access_finish()
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.V5);
        sysMmu.Link(0, Second);
        sysMmu.Enable();
        sysMmu.Unit.Interrupt.Changed = asserted =>
        {
            if (!asserted)
                return;
            sysMmu.Page(0x1000, Second, 0xA0000000);
            sysMmu.Write(0x64, 2);
            sysMmu.Write(0, 5);
        };
        sysMmu.AssertMapped(0x1234, 0xA0000234);
        Assert.Equal(1ul, sysMmu.Unit.Counters.Faults);
    }

    [Fact]
    public void A_handler_that_repairs_nothing_cannot_hang_the_machine()
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.V5);
        sysMmu.Enable();
        sysMmu.Unit.Interrupt.Changed = _ =>
        {
            sysMmu.Write(0x64, ~0u);
            sysMmu.Write(0, 5);
        };
        Assert.Equal(TranslationStatus.Stalled, sysMmu.Translate(0x1234, DmaAccess.Read, out _));
        Assert.Equal((ulong)sysMmu.Unit.MaxRetries + 1, sysMmu.Unit.Counters.Faults);
    }

    [Fact]
    public void A_handler_that_switches_the_unit_off_lets_the_access_through_and_one_that_cuts_the_power_ends_it()
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.V33);
        sysMmu.Enable();
        sysMmu.Unit.Interrupt.Changed = asserted => sysMmu.Unit.TryWrite(0, 4, 0);
        sysMmu.AssertMapped(0x1234, 0x1234);
        sysMmu.Write(0x1C, 1);
        sysMmu.Enable();
        sysMmu.Unit.Interrupt.Changed = asserted => sysMmu.Unit.SetPower(false);
        Assert.Equal(TranslationStatus.Aborted, sysMmu.Translate(0x1234, DmaAccess.Read, out _));
    }

    [Fact]
    public void Without_recovery_a_released_access_ends_with_an_error()
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.V5 with { RetriesAfterFault = false });
        sysMmu.Enable();
        sysMmu.Unit.Interrupt.Changed = _ => sysMmu.Unit.TryWrite(0, 4, 5);
        Assert.Equal(TranslationStatus.Aborted, sysMmu.Translate(0x1234, DmaAccess.Read, out _));
    }

    [Fact]
    public void Version_7_in_non_stall_mode_ends_the_access_and_goes_on()
    {
        foreach (var options in new[] { SysMmuOptions.V7Vm, SysMmuOptions.V7 with { Stall = SysMmuStall.ControlBit },
            SysMmuOptions.V7 with { Stall = SysMmuStall.Never } })
        {
            using var sysMmu = new SysMmuHarness(options);
            sysMmu.Section(0x100000, 0xA0000000);
            sysMmu.Enable();
            if (options.Layout == SysMmuLayout.V7Vm)
                sysMmu.Write(0x8000, 1);
            Assert.Equal(TranslationStatus.Aborted, sysMmu.Translate(0x1234, DmaAccess.Read, out _));
            Assert.Equal(2u, sysMmu.Read(0x60));
            Assert.True(sysMmu.Unit.Interrupt.IsAsserted);
            Assert.Equal(0u, sysMmu.Read(8));
            sysMmu.AssertMapped(0x100000, 0xA0000000);
        }
    }

    [Fact]
    public void Faults_of_virtual_machines_have_their_own_bits_and_registers()
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.V7Vm with { VidOfStream = [0, 5] });
        sysMmu.Enable();
        sysMmu.Write(0xD00C, (uint)(Table >> 12));
        sysMmu.Write(0xD000, 9);
        Assert.Equal(TranslationStatus.Stalled, sysMmu.Translate(0x4321, DmaAccess.Write, out _, stream: 1));
        Assert.Equal(1u << 21, sysMmu.Read(0x60));
        Assert.Equal(0x4321u, sysMmu.Read(0x1050));
        Assert.Equal(0x100123u, sysMmu.Read(0x1054));
        Assert.Equal(0u, sysMmu.Read(0x1000));
    }

    [Fact]
    public void The_interrupt_needs_its_enable_bit_but_the_block_does_not()
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.V1);
        sysMmu.Enable();
        sysMmu.Write(0, 1);
        Assert.Equal(TranslationStatus.Stalled, sysMmu.Translate(0, DmaAccess.Read, out _));
        Assert.False(sysMmu.Unit.Interrupt.IsAsserted);
        Assert.Equal(3u, sysMmu.Read(0));
        sysMmu.Write(0, 7);
        Assert.True(sysMmu.Unit.Interrupt.IsAsserted);
    }

    [Theory]
    [InlineData(true, 0x1000u)]
    [InlineData(false, 0x2000u)]
    public void A_second_fault_before_the_first_is_cleared(bool keepsFirst, uint expected)
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.V1 with { KeepsFirstFault = keepsFirst, FaultSetsBlockBit = false });
        sysMmu.Enable();
        Assert.Equal(TranslationStatus.Stalled, sysMmu.Translate(0x1000, DmaAccess.Read, out _));
        Assert.Equal(5u, sysMmu.Read(0));
        Assert.Equal(1u, sysMmu.Read(8));
        sysMmu.Write(0, 5);
        Assert.Equal(TranslationStatus.Stalled, sysMmu.Translate(0x2000, DmaAccess.Read, out _));
        Assert.Equal(expected, sysMmu.Read(0x24));
    }

    [Theory]
    [InlineData(SysMmuBusErrorAddress.DefaultSlave, 0x1234u, 0u)]
    [InlineData(SysMmuBusErrorAddress.PageFault, 0u, 0x1234u)]
    public void The_address_of_a_bus_error_goes_where_the_option_says(SysMmuBusErrorAddress option, uint defaultSlave, uint pageFault)
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.V31 with { BusErrorAddress = option });
        sysMmu.Enable(Nowhere);
        sysMmu.Translate(0x1234, DmaAccess.Read, out _);
        Assert.Equal(defaultSlave, sysMmu.Read(0x30));
        Assert.Equal(pageFault, sysMmu.Read(0x24));
    }

    [Fact]
    public void Poked_faults_raise_the_interrupt_and_block()
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.V33);
        sysMmu.Enable();
        sysMmu.Unit.Poke(0x24, 0xABC);
        sysMmu.Unit.Poke(0x18, 1);
        Assert.True(sysMmu.Unit.Interrupt.IsAsserted);
        sysMmu.Unit.Poke(0, 7);
        Assert.Equal(1u, sysMmu.Read(8));
        Assert.Equal(0xABCu, sysMmu.Read(0x24));
        Assert.Throws<ArgumentOutOfRangeException>(() => sysMmu.Unit.Poke(0x1000, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => sysMmu.Unit.Poke(2, 0));
    }
}
