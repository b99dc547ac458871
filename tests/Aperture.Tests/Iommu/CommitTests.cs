using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Devices;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Iommu;

/// <summary>A domain in force on two units.</summary>
public sealed class CommitTests : IDisposable
{
    private static readonly Iova s_iova = new(0x10_0000);

    private readonly FakeMemory _memory = new();
    private readonly IommuCore _core;
    private readonly FakeUnit[] _units;
    private readonly FakeDomain _domain;

    public CommitTests()
    {
        _core = new IommuCore(_memory);
        _units = [new FakeUnit(new Device("u0")), new FakeUnit(new Device("u1"))];
        var master = new Device("m");
        foreach (var unit in _units)
            _core.Register(unit);
        _core.Configure(master, [.. _units.Select(unit => new IommuSpecifier(unit.Device.Key, unit.Name, [1]))]);
        _domain = (FakeDomain)master.Iommu!.Domain!;
        Assert.Equal(Status.Ok, _domain.Map(s_iova, default, 0x2000, Protection.ReadWrite));
    }

    public void Dispose() => _memory.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Commit_stopped_at_the_first_unit_that_threw_and_the_others_were_never_told(bool isAperture)
    {
        var heard = new List<UnitFailure>();
        _core.UnitFailed += heard.Add;
        _units[0].OnInvalidate = _ => throw (isAperture ? new ApertureException(
            Status.TimedOut,
            "it is stuck") : new InvalidOperationException("it is stuck"));
        var gather = default(InvalidationGather);
        _domain.Unmap(s_iova, 0x1000, ref gather, out _);
        Assert.Equal(isAperture ? Status.TimedOut : Status.IoError, _domain.Commit(ref gather));
        Assert.True(gather.IsEmpty);
        Assert.Equal((1, 1), (_units[0].Invalidations.Count, _units[1].Invalidations.Count));
        var failure = Assert.Single(heard);
        Assert.Equal((_units[0], UnitOperation.Invalidate, "it is stuck"), (failure.Unit, failure.Operation, failure.Reason));
        Assert.Equal((1UL, failure), (_core.FailureCount, Assert.Single(_core.Failures)));
        Assert.Equal(
            "u0: an invalidation failed: it is stuck; its masters may still reach what was unmapped, "
            + "which stays in quarantine until it was programmed afresh",
            failure.ToString());

        Assert.True(_units[0].NeedsReprogram);
        Assert.Equal(0x1000UL, _domain.QuarantinedBytes);
        _units[0].TryReprogram();
        Assert.Equal(0UL, _domain.QuarantinedBytes);
    }

    [Fact]
    public void What_both_units_missed_waits_for_both()
    {
        Array.ForEach(_units, unit => unit.OnInvalidate = _ => Status.IoError);
        Assert.Throws<ApertureException>(() => _domain.Unmap(s_iova, 0x1000));
        var order = new List<int>();
        _domain.WhenInvalidated(() => order.Add(1));
        Array.ForEach(_units, unit => unit.OnInvalidate = null);
        _units[1].TryReprogram();
        Assert.True(_domain.IsQuarantining);
        Assert.Empty(order);
        _domain.WhenInvalidated(() => order.Add(2));
        _units[0].TryReprogram();
        Assert.False(_domain.IsQuarantining);
        _domain.WhenInvalidated(() => order.Add(3));
        Assert.Equal([1, 2, 3], order);
    }

    [Fact]
    public void A_unit_that_was_bound_again_brings_back_what_waits_for_the_one_before()
    {
        var core = new IommuCore(_memory);
        var first = new FakeUnit(new Device("u"));
        var registration = core.Register(first);
        var master = new Device("n");
        core.Configure(master, [new IommuSpecifier(first.Device.Key, "u", [1])]);
        var domain = master.Iommu!.Domain!;
        domain.Map(s_iova, default, 0x1000, Protection.ReadWrite);
        first.OnInvalidate = _ => Status.IoError;
        Assert.Throws<ApertureException>(() => domain.Unmap(s_iova, 0x1000));
        registration.Dispose();
        Assert.True(domain.IsQuarantining);
        var second = new FakeUnit(first.Device);
        core.Register(second);
        Assert.True(second.NeedsReprogram);
        Assert.True(domain.IsQuarantining);
        second.TryReprogram();
        Assert.False(domain.IsQuarantining);
        Assert.False(first.NeedsReprogram);
    }

    [Fact]
    public void The_driver_core_logs_failures_of_units()
    {
        using var machine = new FakeMachine();
        machine.UnitDriver();
        var device = FakeMachine.Device("u", "iommu");
        machine.Core.Add(device);
        machine.Iommu.Report(new UnitFailure(machine.Units["u"], UnitOperation.Suspend, Status.IoError, "no answer", UnitRemedy.CutOff));
        Assert.Contains(
            "u Trouble: u: a suspend failed: no answer; its masters are cut off, and what was unmapped "
            + "stays in quarantine until it was programmed afresh",
            machine.Log);
    }

    [Fact]
    public void A_subscriber_that_threw_kept_the_others_from_hearing_of_a_failed_unit()
    {
        var heard = 0;
        _core.UnitFailed += _ => throw new InvalidOperationException("mine");
        _core.UnitFailed += _ => heard++;
        var failure = new UnitFailure(_units[0], UnitOperation.Suspend, Status.IoError, "no answer", UnitRemedy.CutOff);
        Assert.Throws<InvalidOperationException>(() => _core.Report(failure));
        _core.UnhandledFault += _ => throw new InvalidOperationException("one");
        _core.UnhandledFault += _ => throw new InvalidOperationException("two");
        _core.UnhandledFault += _ => heard++;
        var fault = new FaultReport(_units[0], null, 0, s_iova, FaultAccess.Read, FaultReason.NotMapped, 0);
        Assert.Equal(2, Assert.Throws<AggregateException>(() => _core.Report(_domain, fault)).InnerExceptions.Count);
        Assert.Equal(2, heard);
    }

    [Fact]
    public void A_unit_that_could_not_let_a_master_go_had_no_way_to_say_so()
    {
        var core = new IommuCore(_memory);
        FakeUnit[] units = [new(new Device("u0")), new(new Device("u1"))];
        foreach (var unit in units)
            core.Register(unit);
        var master = new Device("m");
        core.Configure(master, [.. units.Select(unit => new IommuSpecifier(unit.Device.Key, unit.Name, [1]))]);
        units[0].OnRemove = _ => Status.IoError;
        units[1].OnRemove = _ => throw new InvalidOperationException("a bug");
        var error = Assert.Throws<ApertureException>(() => core.Release(master));
        Assert.Equal(Status.IoError, error.Status);
        Assert.Contains("m was taken from behind u0", error.Message, StringComparison.Ordinal);
        Assert.Null(master.Iommu);
        Assert.Empty(core.Groups);
        Assert.All(units, unit => Assert.Empty(unit.Masters));
        Assert.Same(units[1], Assert.Single(core.Failures).Unit); // the one that returned a status has reported by itself
    }

    [Fact]
    public void A_master_that_could_not_be_released_kept_its_unit_in_and_the_masters_behind_it()
    {
        var core = new IommuCore(_memory);
        var unit = new FakeUnit(new Device("u"));
        var registration = core.Register(unit);
        var masters = new[] { new Device("a"), new Device("b"), new Device("c") };
        for (var i = 0; i < masters.Length; i++)
            core.Configure(masters[i], [new IommuSpecifier(unit.Device.Key, "u", [(uint)i])]);
        unit.OnRemove = master => master == masters[2] ? Status.Ok : Status.TimedOut;
        Assert.Equal(2, Assert.Throws<AggregateException>(registration.Dispose).InnerExceptions.Count);
        Assert.All(masters, master => Assert.Null(master.Iommu));
        Assert.Empty(core.Units);
    }
}
