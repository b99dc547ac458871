using Aperture.Boards.Running;
using Aperture.Core;

namespace Aperture.Boards.Tests.Running;

/// <summary>The self-test on machines that are broken on purpose: it must be able to fail.</summary>
public class FailingRunTests
{
    [Fact]
    public void Memory_that_runs_out_at_each_allocation_fails_the_test_and_leaks_nothing()
    {
        foreach (var board in (string[])["omap3-isp", "exynos5433-media", "dra7-dsp"])
        {
            using var machine = Machine.Boot(Runs.Own(board));
            Runs.Test(machine);
            var used = machine.Pages.UsedPages;
            var failures = 0;
            var n = 1;
            for (; ; n++)
            {
                machine.Pages.FailAllocation = n;
                var results = Runs.Test(machine);
                var wasReached = machine.Pages.FailAllocation == 0;
                machine.Pages.FailAllocation = 0;
                Assert.Equal(used, machine.Pages.UsedPages);
                if (!wasReached)
                    break;
                // Memory behind an IOMMU that cannot be had in one piece is gathered: then nothing fails.
                var failed = results.SelectMany(result => result.Checks)
                    .Where(check => check.Result.Outcome == CheckOutcome.Failed).ToArray();
                Assert.InRange(failed.Length, 0, 1);
                Assert.All(failed, check => Assert.Equal(Status.NoMemory, check.Result.Status));
                failures += failed.Length;
            }

            Assert.InRange(failures, 5, 1000);
            Runs.AssertAllHeld(machine);
        }
    }

    [Fact]
    public void Memory_that_runs_out_at_each_table_fails_the_boot_or_nothing()
    {
        var (bound, unbound) = (0, 0);
        for (var n = 1; n < 40; n++)
        {
            using var machine = Machine.Boot(
                Runs.Own("exynos5433-media"), new MachineOptions { Memory = [new(new PhysicalAddress(0x20000000), (ulong)n << 13)] });
            var results = Runs.Test(machine);
            var failed = results.Where(result => result.Master.Device!.Bound is null).ToArray();
            Assert.DoesNotContain(failed, result => result.IsFine);
            bound += results.Length - failed.Length;
            unbound += failed.Length;
        }

        // Both came: memory for none of it, and for some.
        Assert.True(bound > 0 && unbound > 0, $"{bound} masters bound, {unbound} not");
    }

    [Fact]
    public void A_unit_that_lets_everything_pass_fails_the_test()
    {
        using var machine = Machine.Boot(Runs.Own("omap3-isp"));
        var master = Assert.Single(machine.Masters);

        // The board's reset of the model behind the driver's back: an MMU that is off lets addresses pass unchanged.
        var unit = Assert.Single(machine.Units);
        unit.Model.Interrupt.Changed = _ => { };
        using (master.Device!.Power.Hold())
        {
            unit.Model.SetReset(true);
            unit.Model.SetReset(false);
            var result = new SelfTest(machine).Run(master);
            Assert.False(result.IsFine);
            Assert.Equal(CheckOutcome.Failed, result.Foreign.Outcome);
            Assert.Contains("was not blocked", result.Foreign.Reason, StringComparison.Ordinal);
            Assert.Equal(CheckOutcome.Failed, result.Write.Outcome);
        }
    }

    [Fact]
    public void A_stale_translation_fails_the_test()
    {
        foreach (var board in (string[])["omap3-isp", "exynos850-usb"])
        {
            // A unit whose invalidations are lost on the way: the driver's writes to them arrive nowhere.
            using var machine = Machine.Boot(Runs.Own(board));
            var master = machine.Masters[0];
            var unit = machine.Units.Single(unit => unit.Name == master.Units[0]);
            var deaf = new DeafRegisters(unit.Device.Registers[0]);
            machine.Drivers.Unbind(unit.Device);
            unit.Device.Registers[0] = deaf;
            Assert.True(machine.Drivers.Bind(unit.Device));
            deaf.IsDeaf = true;
            var result = new SelfTest(machine).Run(master);
            Assert.Equal(CheckOutcome.Failed, result.AfterUnmap.Outcome);
            Assert.Contains("was not blocked", result.AfterUnmap.Reason, StringComparison.Ordinal);
            deaf.IsDeaf = false;
            Assert.True(new SelfTest(machine).Run(master).IsFine);
        }
    }

    [Fact]
    public void A_fault_that_nobody_reports_fails_the_test()
    {
        using var machine = Machine.Boot(Runs.Own("exynos850-usb"));
        machine.Units[0].Model.Interrupt.Changed = _ => { };
        var master = machine.Masters.Single(master => master.Units.Contains(machine.Units[0].Name));
        var result = new SelfTest(machine).Run(master);
        Assert.Equal((CheckOutcome.Ok, CheckOutcome.Ok), (result.Write.Outcome, result.Read.Outcome));
        Assert.All(
            new[] { result.AfterUnmap, result.Outside, result.Foreign },
            check => Assert.Contains("was not reported", check.Reason, StringComparison.Ordinal));
    }

    [Fact]
    public void A_master_without_driver_fails_the_test()
    {
        using var machine = Machine.Boot(Runs.Own("exynos850-usb"));
        var master = machine.Masters[0];
        machine.Drivers.Unbind(master.Device!);
        var result = new SelfTest(machine).Run(master);
        Assert.Equal(Runs.Failed, result.Checks.Select(check => check.Result.Outcome));
        Assert.Contains(master.Name, result.Write.Reason, StringComparison.Ordinal);
    }
}
