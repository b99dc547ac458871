using Aperture.Core.Threading;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Iommu;

public abstract partial class IommuDriverTests
{
    [Fact]
    public void A_fault_that_a_handler_mends_is_invisible_to_the_master_where_its_unit_can_stall()
    {
        var (unit, master, domain) = Ready();
        var faults = 0;
        domain.FaultHandler = (in FaultReport report) =>
        {
            faults++;
            Assert.Equal(s_iova + 0x2340, report.Address);
            Map(domain, report.Address.AlignDown(Page), 0);
            return FaultResponse.Retry;
        };
        // A unit that cannot hold an access back has ended it before anybody hears; the next one gets through.
        Assert.Equal(unit.Unit.Capabilities.CanStall ? DmaStatus.Ok : DmaStatus.Refused, master.TryWrite(s_iova + 0x2340, 42));
        Assert.Equal(1, faults);
        master.Reaches(s_iova + 0x2340, _board.Data + 0x340);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void How_a_unit_refuses_is_the_same_before_and_after_a_power_cycle(bool losesState)
    {
        var (unit, master, domain) = Ready();
        Map(domain, s_iova, 0);
        master.IsRefused(s_iova + Page);
        unit.Cycle(losesState);
        master.Reaches(s_iova, _board.Data);
        master.IsRefused(s_iova + Page);
    }

    [Fact]
    public void A_handler_may_unmap_while_it_decides()
    {
        var (unit, master, domain) = Ready();
        Map(domain, s_iova + Page, Page);
        master.Reaches(s_iova + Page, _board.Data + Page);
        domain.FaultHandler = (in FaultReport report) =>
        {
            domain.Unmap(s_iova + Page, Page);
            Map(domain, s_iova, 0);
            return FaultResponse.Retry;
        };
        var status = master.TryRead(s_iova, out _);
        Assert.Equal(unit.Unit.Capabilities.CanStall ? DmaStatus.Ok : DmaStatus.Refused, status);
        domain.FaultHandler = null;
        master.IsRefused(s_iova + Page);
    }

    [Fact]
    public void An_unhandled_fault_is_reported_once_and_the_access_never_completes()
    {
        var (unit, master, domain) = Ready();
        Map(domain, s_iova, 0);
        var unhandled = 0;
        _board.Core.UnhandledFault += _ => unhandled++;
        Assert.NotEqual(DmaStatus.Ok, master.TryRead(s_iova + Page, out _));
        Assert.NotEqual(DmaStatus.Ok, master.TryRead(s_iova + Page, out _));
        Assert.Equal(_board.ReportsEachFault ? 2 : 1, unhandled);
        Assert.False(unit.Interrupt.IsActive);
        Assert.False(unit.Interrupt.IsStuck);
        Assert.InRange(unit.Interrupt.Count, 1UL, 2UL);

        // Neither a change of the tables nor time lets it through; a resume makes a fresh start.
        Map(domain, s_iova + (1 << 20), Page);
        domain.Unmap(s_iova + (1 << 20), Page);
        Assert.NotEqual(DmaStatus.Ok, master.TryRead(s_iova + Page, out _));
        unit.Cycle(losesState: false);
        master.Reaches(s_iova, _board.Data);
        master.IsRefused(s_iova + Page);
    }

    [Fact]
    public void A_fault_that_is_always_retried_ends_without_a_stuck_line()
    {
        var (unit, master, domain) = Ready();
        Map(domain, s_iova, 0);
        domain.FaultHandler = (in FaultReport _) => FaultResponse.Retry;
        for (var i = 0; i < 20; i++)
            Assert.NotEqual(DmaStatus.Ok, master.TryRead(s_iova + Page, out _));
        Assert.False(unit.Interrupt.IsStuck);
        master.Reaches(s_iova, _board.Data);
    }

    [Fact]
    public void A_fault_handler_may_replace_the_domain()
    {
        var (unit, master, domain) = Ready();
        var other = unit.Unit.CreateDomain(DomainType.Unmanaged);
        Map(other, s_iova, 0);
        domain.FaultHandler = (in FaultReport _) =>
        {
            master.Group.Replace(other);
            return FaultResponse.Retry;
        };
        master.TryRead(s_iova, out _);
        master.Reaches(s_iova, _board.Data);
    }

    [Theory]
    [InlineData("detach attach")]
    [InlineData("replace")]
    [InlineData("replace replace back")]
    [InlineData("cycle")]
    [InlineData("lose")]
    [InlineData("sleep")]
    [InlineData("unmap map cycle")]
    [InlineData("replace cycle")]
    [InlineData("detach lose attach")]
    public void After_a_fault_that_nobody_mended_any_fresh_start_lets_accesses_through(string operations)
    {
        var (unit, master, domain) = Ready();
        var other = unit.Unit.CreateDomain(DomainType.Unmanaged);
        Map(domain, s_iova, 0);
        Map(other, s_iova, 0);
        master.Reaches(s_iova, _board.Data);
        Assert.NotEqual(DmaStatus.Ok, master.TryRead(s_iova + Page, out _));
        foreach (var operation in operations.Split(' '))
            Restart(operation, unit, master, domain, other);
        master.Reaches(s_iova, _board.Data);
        master.IsRefused(s_iova + Page);
        Assert.False(unit.Interrupt.IsStuck);
    }

    [Theory]
    [InlineData("detach attach")]
    [InlineData("replace")]
    [InlineData("cycle")]
    [InlineData("unmap map")]
    public void A_fault_handler_may_do_what_it_likes_to_the_unit(string operations)
    {
        var (unit, master, domain) = Ready();
        var other = unit.Unit.CreateDomain(DomainType.Unmanaged);
        Map(domain, s_iova, 0);
        Map(other, s_iova, 0);
        master.Reaches(s_iova, _board.Data);
        domain.FaultHandler = (in FaultReport _) =>
        {
            foreach (var operation in operations.Split(' '))
                Restart(operation, unit, master, domain, other);
            return FaultResponse.Unhandled;
        };
        Assert.NotEqual(DmaStatus.Ok, master.TryRead(s_iova + Page, out _));
        domain.FaultHandler = null;
        unit.Cycle(losesState: false);
        master.Reaches(s_iova, _board.Data);
        master.IsRefused(s_iova + Page);
        Assert.False(unit.Interrupt.IsStuck);
    }

    private void Restart(string operation, UnitOnBoard unit, MasterOnBoard master, IommuDomain domain, IommuDomain other)
    {
        switch (operation)
        {
            case "detach":
                master.Group.Detach(domain);
                break;
            case "attach" or "back":
                master.Group.Replace(domain);
                break;
            case "replace":
                master.Group.Replace(other);
                break;
            case "cycle" or "lose":
                unit.Cycle(losesState: operation == "lose");
                break;
            case "sleep":
                unit.Device.Bound!.Suspend();
                unit.Device.Bound.Resume();
                break;
            case "unmap":
                domain.Unmap(s_iova, Page);
                break;
            case "map":
                Map(domain, s_iova, 0);
                break;
        }
    }

    /// <summary>B5: the handler ran inside the register access that raised the interrupt, in the middle of the sequence and under its
    /// lock.</summary>
    [Fact]
    public void An_interrupt_in_the_middle_of_a_register_sequence_is_handled_after_it()
    {
        var (unit, master, domain) = Ready();
        Map(domain, s_iova, 0);
        master.Reaches(s_iova, _board.Data);
        var reported = 0;
        var whileInside = -1;
        domain.FaultHandler = (in FaultReport report) =>
        {
            reported++;
            Assert.True(EventGate.IsOpen);
            return FaultResponse.Unhandled;
        };
        unit.Registers.Before = () =>
        {
            unit.Registers.Before = null;
            Assert.NotEqual(DmaStatus.Ok, master.TryRead(s_iova + Page, out _));
            whileInside = reported;
        };
        Assert.Equal(Page, domain.Unmap(s_iova, Page));
        Assert.Equal((0, 1), (whileInside, reported));
        Assert.False(unit.Interrupt.IsStuck);
    }

    /// <summary>Its turns ran out while the handler's thread was not scheduled: of accesses on several threads up to three in a thousand
    /// came back stalled.</summary>
    [Fact]
    public async Task An_access_stalled_by_a_fault_that_another_thread_handles_came_back_when_that_thread_was_slow()
    {
        var (unit, master, domain) = Ready();
        if (!unit.Unit.Capabilities.CanStall)
        {
            Assert.Equal(DmaStatus.Refused, master.TryRead(s_iova, out _)); // nothing waits here
            return;
        }

        Map(domain, s_iova, 0);
        using var inHandler = new ManualResetEventSlim();
        var isWaiting = false;
        domain.FaultHandler = (in FaultReport report) =>
        {
            inHandler.Set();
            while (!Volatile.Read(ref isWaiting))
                Thread.Yield();
            for (var turn = 0; turn < 3 * unit.Model.StallTurns; turn++)
                Thread.Yield();
            if (!domain.TryTranslate(report.Address, out _))
                Map(domain, report.Address.AlignDown(Page), Page);
            return FaultResponse.Retry;
        };
        Assert.Equal(DmaStatus.Ok, master.TryRead(s_iova, out _)); // this thread uses the unit, too
        var other = Task.Factory.StartNew(() => master.TryRead(s_iova + (2 * Page), out _), TaskCreationOptions.LongRunning);
        inHandler.Wait();
        Volatile.Write(ref isWaiting, true);
        Assert.Equal(DmaStatus.Ok, master.TryRead(s_iova + (3 * Page), out _));
        Assert.Equal(DmaStatus.Ok, master.TryRead(s_iova, out _));
        Assert.Equal(DmaStatus.Ok, await other);
    }
}
