using Aperture.Core;
using Aperture.Datasheets.Rockchip;
using Aperture.Hardware.Rockchip;
using Aperture.Hardware.Tests.Translation;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Rockchip;

public sealed class RockchipMmuTests
{
    private const uint Page = 0x1040_3000;

    [Fact]
    public void After_reset_everything_passes_unchanged()
    {
        using var rig = new RockchipRig();
        Assert.Equal(0x18u, rig[RockchipMmuRegister.Status]);
        Assert.Equal(0xDEAD_BEEFul, rig.Reaches(0xDEAD_BEEF));
        Assert.Equal(TranslationStatus.Aborted,
            rig.Unit.Translate(new BusRequest(default, new Iova(1UL << 32), DmaAccess.Read), out _, out _));
    }

    [Fact]
    public void Registers_take_whole_words_and_answer_only_with_power_and_clock()
    {
        using var rig = new RockchipRig(new() { WindowSize = 0x40 });
        Assert.False(rig.Unit.TryRead(0, 8, out _));
        Assert.False(rig.Unit.TryRead(2, 2, out _));
        Assert.False(rig.Unit.TryWrite(0x40, 4, 0));
        rig[RockchipMmuRegister.AutoGating] = 0x55;
        Assert.Equal(0x55u, rig[RockchipMmuRegister.AutoGating]);
        rig[RockchipMmuRegister.Status] = 0;
        Assert.Equal(0x18u, rig[RockchipMmuRegister.Status]);
        rig.Unit.IsClocked = false;
        Assert.False(rig.Unit.TryRead(0, 4, out _));
        Assert.Equal(TranslationStatus.Aborted, rig.Translate(0, out _));
        rig.Unit.IsClocked = true;
        rig.Unit.SetPower(false);
        rig.Unit.SetPower(true);
        Assert.Equal(0u, rig[RockchipMmuRegister.AutoGating]);
    }

    [Theory]
    [InlineData(false, 0x8123_4000ul)]
    [InlineData(true, 0xBA_CAFE_B000ul)]
    public void Walks_both_levels(bool isWide, ulong target)
    {
        using var rig = new RockchipRig(new() { IsWide = isWide });
        rig.Map(Page, target);
        rig.Start();
        Assert.Equal(target + 0x123, rig.Reaches(Page + 0x123));
        Assert.Equal(target + 0xFFF, rig.Reaches(Page + 0xFFF, DmaAccess.Write));
        Assert.Equal(1ul, rig.Unit.Counters.Misses);
        Assert.Equal(TranslationStatus.Stalled, rig.Translate(Page + 0x1000, out _));
    }

    [Theory]
    [InlineData(2u, DmaAccess.Write)]
    [InlineData(4u, DmaAccess.Read)]
    [InlineData(0u, DmaAccess.Read)]
    public void Rights_are_checked_on_walks_and_hits(uint rights, DmaAccess access)
    {
        using var rig = new RockchipRig();
        rig.Map(Page, 0x8123_4000, rights);
        rig.Start();
        Assert.Equal(TranslationStatus.Stalled, rig.Translate(Page, out _, access));
        rig.Command(RockchipMmuCommand.PageFaultDone);
        if (rights != 0)
            rig.Reaches(Page, access == DmaAccess.Write ? DmaAccess.Read : DmaAccess.Write);
        Assert.Equal(TranslationStatus.Stalled, rig.Translate(Page, out _, access));
    }

    [Fact]
    public void A_page_fault_is_told_and_holds_everything_until_it_is_done()
    {
        using var rig = new RockchipRig();
        rig.Map(Page, 0x8123_4000);
        rig.Start();
        Assert.Equal(TranslationStatus.Stalled,
            rig.Unit.Translate(new BusRequest(new Requester(default), new Iova(Page + 0x1004), DmaAccess.Write, tag: 9), out _, out _));
        Assert.Equal((true, true, 9), (rig.Status.IsFaulting, rig.Status.IsWrite, rig.Status.BusId));
        Assert.Equal(Page + 0x1004, rig[RockchipMmuRegister.FaultAddress]);
        Assert.Equal(1u, rig[RockchipMmuRegister.InterruptStatus]);
        Assert.True(rig.Unit.Interrupt.IsAsserted);
        Assert.Equal(TranslationStatus.Stalled, rig.Translate(Page, out _));
        rig[RockchipMmuRegister.InterruptClear] = 1;
        Assert.False(rig.Unit.Interrupt.IsAsserted);
        Assert.Equal(TranslationStatus.Stalled, rig.Translate(Page, out _));
        rig.Command(RockchipMmuCommand.PageFaultDone);
        Assert.Equal(0x19u, rig[RockchipMmuRegister.Status]);
        rig.Reaches(Page);
        Assert.Equal(1ul, rig.Unit.Counters.Faults);
    }

    [Fact]
    public void An_access_is_tried_again_once_the_handler_mended_it()
    {
        using var rig = new RockchipRig();
        rig.Map(Page + 0x10_0000, 0x8123_4000);
        rig.Start();
        rig.Unit.Interrupt.Changed = active =>
        {
            if (!active)
                return;
            rig.Map(Page, 0x8567_8000);
            rig.Command(RockchipMmuCommand.ZapCache);
            rig[RockchipMmuRegister.InterruptClear] = 1;
            rig.Command(RockchipMmuCommand.PageFaultDone);
        };
        Assert.Equal(0x8567_8010ul, rig.Reaches(Page + 0x10));
    }

    [Fact]
    public void A_handler_that_mends_nothing_does_not_spin_for_ever()
    {
        using var rig = new RockchipRig();
        rig.Start();
        var faults = 0;
        rig.Unit.Interrupt.Changed = active =>
        {
            if (!active)
                return;
            faults++;
            rig[RockchipMmuRegister.InterruptClear] = 1;
            rig.Command(RockchipMmuCommand.PageFaultDone);
        };
        Assert.Equal(TranslationStatus.Stalled, rig.Translate(Page, out _));
        Assert.Equal(rig.Unit.MaxRetries + 1, faults);
    }

    [Fact]
    public void A_table_that_cannot_be_read_is_a_bus_error_and_the_unit_goes_on()
    {
        using var rig = new RockchipRig();
        rig.Map(Page, 0x8123_4000);
        rig.SetWord(rig.Base + (0x20 << 2), 0x1000_0001);
        rig.Start();
        Assert.Equal(TranslationStatus.Aborted, rig.Translate(0x0800_0000, out _));
        Assert.Equal(2u, rig[RockchipMmuRegister.RawStatus]);
        Assert.Equal(0x0800_0000u, rig[RockchipMmuRegister.FaultAddress]);
        Assert.False(rig.Status.IsFaulting);
        rig.Reaches(Page);
        rig[RockchipMmuRegister.TableBase] = 1;
        rig.Command(RockchipMmuCommand.ZapCache);
        Assert.Equal(TranslationStatus.Aborted, rig.Translate(Page, out _));
    }

    [Fact]
    public void Stale_translations_stay_until_they_are_zapped()
    {
        using var rig = new RockchipRig();
        rig.Map(Page, 0x8123_4000);
        rig.Map(Page + 0x10_0000, 0x8123_5000);
        rig.Start();
        rig.Reaches(Page);
        rig.Reaches(Page + 0x10_0000);
        rig.Unmap(Page);
        rig.Unmap(Page + 0x10_0000);
        Assert.Equal(0x8123_4000ul, rig.Reaches(Page));
        rig[RockchipMmuRegister.ZapLine] = Page;
        Assert.Equal(TranslationStatus.Stalled, rig.Translate(Page, out _));
        rig.Command(RockchipMmuCommand.PageFaultDone);
        rig.Reaches(Page + 0x10_0000);
        rig.Command(RockchipMmuCommand.ZapCache);
        Assert.Equal(TranslationStatus.Stalled, rig.Translate(Page + 0x10_0000, out _));
    }

    [Theory]
    [InlineData(16, TranslationStatus.Stalled)]
    [InlineData(1, TranslationStatus.Ok)]
    public void The_neighbours_of_a_page_are_known_even_where_nothing_is_mapped(int lineEntries, TranslationStatus before)
    {
        using var rig = new RockchipRig(new() { LineEntries = lineEntries });
        rig.Map(Page, 0x8123_4000);
        rig.Start();
        rig.Reaches(Page);
        rig.Map(Page + 0x1000, 0x8123_9000);
        rig.Map(Page + 0x40_0000, 0x8123_A000); // the next entry of the directory
        Assert.Equal(before, rig.Translate(Page + 0x1000, out _));
        rig.Command(RockchipMmuCommand.PageFaultDone);
        Assert.Equal(before, rig.Translate(Page + 0x40_0000, out _));
        rig.Command(RockchipMmuCommand.PageFaultDone);
        rig[RockchipMmuRegister.ZapLine] = Page + 0x1000;
        Assert.Equal(0x8123_9000ul, rig.Reaches(Page + 0x1000));
        rig[RockchipMmuRegister.ZapLine] = Page + 0x40_0000;
        Assert.Equal(0x8123_A000ul, rig.Reaches(Page + 0x40_0000));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(-1)]
    public void A_stall_is_granted_when_the_unit_gets_to_it(int polls)
    {
        using var rig = new RockchipRig(new() { StallDelayPolls = polls });
        rig.Map(Page, 0x8123_4000);
        rig.Start();
        rig.Command(RockchipMmuCommand.EnableStall);
        for (var poll = 1; poll < polls; poll++)
            Assert.False(rig.Status.IsStalled);
        Assert.Equal(polls >= 0, rig.Status.IsStalled);
        Assert.Equal(polls >= 0 ? TranslationStatus.Stalled : TranslationStatus.Ok, rig.Translate(Page, out _));
        rig.Command(RockchipMmuCommand.DisableStall);
        Assert.False(rig.Status.IsStalled);
        rig.Reaches(Page);
    }

    [Fact]
    public void A_reset_forgets_everything_but_what_happened()
    {
        using var rig = new RockchipRig();
        rig.Start();
        Assert.Equal(TranslationStatus.Stalled, rig.Translate(Page, out _));
        rig.Command(RockchipMmuCommand.ForceReset);
        Assert.Equal((0u, 0x18u, 0u, 1u),
            (rig[RockchipMmuRegister.TableBase], rig[RockchipMmuRegister.Status], rig[RockchipMmuRegister.InterruptMask],
            rig[RockchipMmuRegister.RawStatus]));
        Assert.False(rig.Unit.Interrupt.IsAsserted);
        rig.Reaches(Page);

        using var clearing = new RockchipRig(new() { ResetClearsInterrupts = true });
        clearing.Start();
        clearing.Translate(Page, out _);
        clearing.Command(RockchipMmuCommand.ForceReset);
        Assert.Equal(0u, clearing[RockchipMmuRegister.RawStatus]);
    }

    [Fact]
    public void Two_mmus_have_registers_and_translations_of_their_own_and_one_line()
    {
        using var rig = new RockchipRig(new() { Mmus = 2 });
        rig.Map(Page, 0x8123_4000);
        rig.Start(0);
        Assert.Equal((ulong)Page, rig.Reaches(Page, stream: 1)); // still off
        rig.Start(1);
        Assert.Equal(0x8123_4000ul, rig.Reaches(Page, stream: 1));
        Assert.Equal(0x8123_4000ul, rig.Reaches(Page, stream: 7)); // comes in by the first
        rig.Unmap(Page);
        rig.Write(0, RockchipMmuRegister.ZapLine, Page);
        rig.Reaches(Page, stream: 1);
        Assert.Equal(TranslationStatus.Stalled, rig.Translate(Page, out _));
        rig.Write(0, RockchipMmuRegister.InterruptClear, 1);
        Assert.False(rig.Unit.Interrupt.IsAsserted);
        rig.Write(1, RockchipMmuRegister.ZapLine, Page);
        Assert.Equal(TranslationStatus.Stalled, rig.Translate(Page, out _, stream: 1));
        Assert.Equal(1u, rig.Read(1, RockchipMmuRegister.InterruptStatus));
        Assert.True(rig.Unit.Interrupt.IsAsserted);
        Assert.Equal((2, 64), (rig.Unit.StreamsOfMaster, rig.Unit.CacheEntries));
    }

    [Fact]
    public void What_does_not_exist_is_refused()
    {
        RockchipIommuOptions good = new();
        foreach (var bad in new[] { good with { Mmus = 0 }, good with { WindowSize = 0x24 }, good with { WindowSize = 0x2A },
            good with { TlbEntries = 0 }, good with { LineEntries = 3 }, good with { Lines = 0 } })
            Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => new RockchipRig(bad).Dispose()).Status);
        using var rig = new RockchipRig();
        Assert.Throws<ApertureException>(() => rig.Unit.Mmus[0].Poke(RockchipMmuRegister.Command, 0));
    }
}
