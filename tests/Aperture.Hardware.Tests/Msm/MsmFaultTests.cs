using Aperture.Datasheets.Msm;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Msm;

public class MsmFaultTests
{
    private const uint Ended = MsmAuxiliaryControl.Running & ~MsmAuxiliaryControl.StallBit;

    [Theory]
    [InlineData("nothing", MsmFault.Translation)]
    [InlineData("empty table", MsmFault.Translation | MsmFault.SecondLevel)]
    [InlineData("no memory", MsmFault.Translation | MsmFault.WalkSlave)]
    [InlineData("no second memory", MsmFault.Translation | MsmFault.WalkSlave | MsmFault.SecondLevel)]
    [InlineData("read-only", MsmFault.Permission | MsmFault.SecondLevel)]
    [InlineData("read-only section", MsmFault.Permission)]
    [InlineData("access flag", MsmFault.AccessFlag | MsmFault.SecondLevel)]
    [InlineData("no walks", MsmFault.TlbMiss)]
    [InlineData("two entries", MsmFault.MultiHit)]
    public void Every_cause_is_told_in_fsr_far_and_fsynr(string cause, MsmFault expected)
    {
        using var rig = new MsmRig().Start(bank: 1, machine: 9, auxiliary: Ended);
        Arrange(rig, cause);
        Assert.Equal(TranslationStatus.Aborted, rig.Translate(0x1000_0678, DmaAccess.Write, out _, machine: 9));
        Assert.Equal(expected, rig.Fault(1));
        Assert.Equal(0x1000_0678u, rig[1, MsmContextRegisters.FaultAddress]);
        Assert.Equal(0x5A00_0009u, rig[1, MsmContextRegisters.FaultIds]);
        Assert.Equal(0x140u, rig[1, MsmContextRegisters.FaultTransaction]); // non-secure write
        Assert.Equal(MsmFault.None, rig.Fault(0));
        Assert.Equal(1ul, rig.Unit.Counters.Faults);
    }

    private static void Arrange(MsmRig rig, string cause)
    {
        switch (cause)
        {
            case "empty table":
                rig.Store(MsmRig.L1(1) + 0x400, MsmRig.L2(1) | 1);
                break;
            case "no memory":
                rig[1, MsmContextRegisters.TableBase0] = 0;
                break;
            case "no second memory":
                rig.Store(MsmRig.L1(1) + 0x400, 0x4000_0001);
                break;
            case "read-only":
                rig.Map(0x1000_0000, MsmRig.Ram, MsmRig.SmallPage | 0x200, bank: 1);
                break;
            case "read-only section":
                rig.MapSection(0x1000_0000, MsmRig.Ram, 0x3_9C0E, bank: 1);
                break;
            case "access flag":
                rig.Map(0x1000_0000, MsmRig.Ram, MsmRig.SmallPage & ~0x10u, bank: 1);
                break;
            case "no walks":
                rig.Map(0x1000_0000, MsmRig.Ram, bank: 1);
                rig[1, MsmContextRegisters.AuxiliaryControl] = Ended & ~MsmAuxiliaryControl.MissWalks;
                break;
            case "two entries":
                rig.Map(0x1000_0000, MsmRig.Ram, bank: 1);
                rig.Map(0x1000_1000, MsmRig.Ram, bank: 1);
                rig.Read(0x1000_0000, 9);
                rig.MapSection(0x1000_0000, MsmRig.Ram, bank: 1);
                rig.Read(0x1000_1000, 9); // the section beside the small page
                break;
        }
    }

    [Fact]
    public void The_first_fault_stays_and_later_ones_only_count()
    {
        using var rig = new MsmRig().Start(auxiliary: Ended);
        rig.Read(0x1000_0000);
        rig.Read(0x2000_0000);
        Assert.Equal(MsmFault.Translation | MsmFault.Multiple, rig.Fault());
        Assert.Equal(0x1000_0000u, rig[0, MsmContextRegisters.FaultAddress]);
        rig[0, MsmContextRegisters.FaultStatus] = 0x4000_000F; // what the recorded handler writes
        Assert.Equal(MsmFault.Multiple, rig.Fault());
        rig[0, MsmContextRegisters.FaultStatus] = uint.MaxValue;
        Assert.Equal(MsmFault.None, rig.Fault());
    }

    [Fact]
    public void A_stalled_access_holds_its_bank_alone_until_it_is_resumed()
    {
        using var rig = new MsmRig().Start(0, 0).Start(1, 1);
        rig.Map(0x1000_0000, 0x8020_0000, bank: 0);
        rig.Map(0x1000_0000, 0x8030_0000, bank: 1);
        Assert.Equal(TranslationStatus.Stalled, rig.Translate(0x5000_0000, DmaAccess.Read, out _));
        Assert.Equal(MsmFault.Translation | MsmFault.Stalled, rig.Fault());
        Assert.Equal(TranslationStatus.Stalled, rig.Translate(0x1000_0000, DmaAccess.Read, out _));
        Assert.Equal(0x8030_0000u, rig.Read(0x1000_0000, 1));

        rig[0, MsmContextRegisters.FaultStatus] = 0x4000_000F; // clearing releases nothing
        Assert.Equal(TranslationStatus.Stalled, rig.Translate(0x1000_0000, DmaAccess.Read, out _));
        rig[0, MsmContextRegisters.Resume] = MsmContextRegisters.ResumeTerminate;
        Assert.Equal(0x8020_0000u, rig.Read(0x1000_0000));
    }

    [Fact]
    public void Clearing_ss_may_release()
    {
        using var rig = new MsmRig(new() { ClearingReleases = true }).Start();
        rig.Map(0x1000_0000, 0x8020_0000);
        rig.Translate(0x5000_0000, DmaAccess.Read, out _);
        rig[0, MsmContextRegisters.FaultStatus] = 0x4000_000F;
        Assert.Equal(0x8020_0000u, rig.Read(0x1000_0000));
    }

    [Fact]
    public void A_handler_that_resumes_lets_the_access_be_tried_again()
    {
        using var rig = new MsmRig().Start();
        rig.Unit.Interrupt.Changed = active =>
        {
            if (!active)
                return;
            rig.Map(rig[0, MsmContextRegisters.FaultAddress] & ~0xFFFu, 0x8020_0000);
            rig[0, MsmContextRegisters.FaultStatus] = uint.MaxValue;
            rig[0, MsmContextRegisters.Resume] = MsmContextRegisters.ResumeRetry;
        };
        Assert.Equal(0x8020_0123u, rig.Read(0x5000_0123));
        Assert.False(rig.Unit.Interrupt.IsAsserted);
    }

    [Fact]
    public void A_handler_that_terminates_ends_the_access()
    {
        using var rig = new MsmRig().Start();
        rig.Unit.Interrupt.Changed = active =>
        {
            if (!active)
                return;
            rig[0, MsmContextRegisters.FaultStatus] = uint.MaxValue;
            rig[0, MsmContextRegisters.Resume] = MsmContextRegisters.ResumeTerminate;
        };
        Assert.Equal(TranslationStatus.Aborted, rig.Translate(0x5000_0000, DmaAccess.Read, out _));
    }

    [Fact]
    public void An_access_that_is_retried_for_ever_comes_back_stalled()
    {
        using var rig = new MsmRig(maxRetries: 3).Start();
        var faults = 0;
        rig.Unit.Interrupt.Changed = active =>
        {
            if (!active)
                return;
            faults++;
            rig[0, MsmContextRegisters.FaultStatus] = uint.MaxValue;
            rig[0, MsmContextRegisters.Resume] = MsmContextRegisters.ResumeRetry;
        };
        Assert.Equal(TranslationStatus.Stalled, rig.Translate(0x5000_0000, DmaAccess.Read, out _));
        Assert.Equal(4, faults);
    }

    [Fact]
    public void An_access_held_over_a_reset_is_lost()
    {
        using var rig = new MsmRig().Start();
        rig.Unit.Interrupt.Changed = active =>
        {
            if (active)
                rig.Unit.SetReset(true);
        };
        Assert.Equal(TranslationStatus.Aborted, rig.Translate(0x5000_0000, DmaAccess.Read, out _));
        Assert.False(rig.Unit.Interrupt.IsAsserted);
    }

    [Fact]
    public void Cr_stalld_ends_faulting_accesses()
    {
        using var rig = new MsmRig().Start();
        rig[MsmGlobalRegisters.Control] = MsmControl.StallDisabledBit;
        Assert.Equal(TranslationStatus.Aborted, rig.Translate(0x5000_0000, DmaAccess.Read, out _));
    }

    [Fact]
    public void Cbacr_chooses_the_line_and_cfeie_switches_it()
    {
        using var rig = new MsmRig().Start(auxiliary: Ended & ~MsmAuxiliaryControl.FaultInterruptBit);
        rig.Read(0x5000_0000);
        Assert.All(rig.Unit.Interrupts, line => Assert.False(line.IsAsserted));
        rig[0, MsmContextRegisters.AuxiliaryControl] = Ended;
        Assert.Equal([true, false], rig.Unit.Interrupts.Select(line => line.IsAsserted));
        rig[MsmGlobalRegisters.ContextAttributesOf(0)] = 1 << 24;
        Assert.Equal([false, true], rig.Unit.Interrupts.Select(line => line.IsAsserted));
        rig[MsmGlobalRegisters.ContextAttributesOf(0)] = 2 << 24; // no such line
        Assert.Equal([false, false], rig.Unit.Interrupts.Select(line => line.IsAsserted));
        rig[MsmGlobalRegisters.ContextAttributesOf(0)] = 0;
        rig[0, MsmContextRegisters.FaultStatusRestore] = 0;
        Assert.Equal([false, false], rig.Unit.Interrupts.Select(line => line.IsAsserted));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(MsmMachineMap.BypassDisabledBit)]
    public void A_bank_that_is_off_lets_accesses_pass_unless_bypass_is_disabled(uint map)
    {
        using var rig = new MsmRig();
        rig[MsmGlobalRegisters.MachineMapOf(4)] = map;
        Assert.Equal(map == 0 ? 0x1234_5678u : null, rig.Read(0x1234_5678, 4));
        Assert.Equal(map == 0 ? 0u : (uint)MsmGlobalError.Bypass, rig[MsmGlobalRegisters.ErrorStatus]);
    }

    [Fact]
    public void Cr_clientpd_lets_everything_pass()
    {
        using var rig = new MsmRig().Start();
        rig.Map(0x1000_0000, 0x8020_0000);
        rig[MsmGlobalRegisters.Control] = MsmControl.ClientsPassBit;
        Assert.Equal(0x1000_0000u, rig.Read(0x1000_0000));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_machine_id_without_a_bank_is_a_configuration_error_or_passes(bool passes)
    {
        using var rig = new MsmRig(new() { MissingBankPasses = passes });
        rig[MsmGlobalRegisters.MachineMapOf(4)] = new MsmMachineMap(2 << 8).Bits;
        Assert.Equal(passes ? 0x1000u : null, rig.Read(0x1000, 4));
        Assert.Equal(passes ? 0u : (uint)MsmGlobalError.Configuration, rig[MsmGlobalRegisters.ErrorStatus]);
        rig[MsmGlobalRegisters.ErrorStatusRestore] = 0;
        rig[MsmGlobalRegisters.MachineMapOf(4)] = MsmMachineMap.Refused.Bits;
        Assert.Null(rig.Read(0x1000, 4));
        Assert.Equal(TranslationStatus.Aborted, rig.Translate(0x1000, DmaAccess.Read, out _, machine: 32));
    }

    [Fact]
    public void Global_errors_have_registers_and_an_interrupt_of_their_own()
    {
        using var rig = new MsmRig();
        rig[MsmGlobalRegisters.Control] = MsmControl.ErrorInterruptBit;
        rig[MsmGlobalRegisters.MachineMapOf(4)] = new MsmMachineMap(MsmMachineMap.Refused.Bits | 7).Bits;
        Assert.Equal(TranslationStatus.Aborted, rig.Translate(0x1234_5678, DmaAccess.Write, out _, machine: 4));
        Assert.Equal(TranslationStatus.Aborted, rig.Translate(0x2000_0000, DmaAccess.Write, out _, machine: 4));
        Assert.True(rig.Unit.Interrupt.IsAsserted);
        Assert.Equal(MsmGlobalError.Configuration | MsmGlobalError.Multiple, (MsmGlobalError)rig[MsmGlobalRegisters.ErrorStatus]);
        Assert.Equal(0x1234_5678u, rig[MsmGlobalRegisters.ErrorAddress]);
        Assert.Equal(0x5A07_0004u, rig[MsmGlobalRegisters.ErrorIds]);
        Assert.True(new MsmTransaction(rig[MsmGlobalRegisters.ErrorTransaction]).IsWrite);
        rig[MsmGlobalRegisters.ErrorStatus] = uint.MaxValue;
        Assert.False(rig.Unit.Interrupt.IsAsserted);
    }
}
