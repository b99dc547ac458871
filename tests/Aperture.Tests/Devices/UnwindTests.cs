using Aperture.Core;
using Aperture.Devices;
using Aperture.Iommu;
using Aperture.Power;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Devices;

/// <summary>A master behind two units with a gate, whose probe fails at each step in turn: nothing is left behind.</summary>
public sealed class UnwindTests : IDisposable
{
    private readonly FakeMachine _machine = new();
    private readonly Dictionary<(string, GateKind, uint), Gate> _gates = [];
    private readonly Device _controller = FakeMachine.Device("ctl", "gates");
    private readonly Device _first = FakeMachine.Device("u1", "iommu");
    private readonly Device _second = FakeMachine.Device("u2", "iommu");
    private readonly Device _master;
    private readonly FakeDriver _driver;
    private readonly FakeDriver _units;
    private readonly List<string> _released = [];

    public UnwindTests()
    {
        _units = _machine.UnitDriver();
        _machine.GateDriver(_gates);
        _driver = _machine.Driver("x");
        _driver.OnProbe = device =>
        {
            device.Manage(new Note(_released, "first"));
            device.Manage(new Note(_released, "second"));
        };
        foreach (var device in (Device[])[_controller, _first, _second])
            _machine.Core.Add(device);
        _master = new Device("m")
        {
            Description = new DeviceDescription
            {
                Compatible = ["x"],
                Gates = [new GateSpecifier(GateKind.PowerDomain, null, _controller.Key, "ctl", [1])],
                Identity = new MasterIdentity
                {
                    Units = [new IommuSpecifier(_first.Key, "u1", [1]), new IommuSpecifier(_second.Key, "u2", [2])]
                },
                DmaLimit = new Iova(0x7FFF_FFFF),
            },
        };
    }

    public void Dispose() => _machine.Dispose();

    [Theory]
    [InlineData("gate")]
    [InlineData("power")]
    [InlineData("supplier")]
    [InlineData("describe")]
    [InlineData("create")]
    [InlineData("attach1")]
    [InlineData("attach2")]
    [InlineData("throw2")]
    [InlineData("owned")]
    [InlineData("probe")]
    [InlineData("defer")]
    [InlineData("bug")]
    public void Failing_step_leaves_nothing(string step)
    {
        var broken = true;
        var unit = _machine.Units["u1"];
        switch (step)
        {
            case "power":
                _gates.Add(("ctl", GateKind.PowerDomain, 1), new Gate(GateKind.PowerDomain, "pd"));
                _gates[("ctl", GateKind.PowerDomain, 1)].Changed += on =>
                    { if (on && broken) throw new ApertureException(Status.IoError, "no power"); };
                break;
            case "supplier":
                _units.OnCall = (device, what) =>
                    { if (device == _second && what == "resume" && broken) throw new ApertureException(Status.IoError, "dead"); };
                break;
            case "describe":
                _machine.Units["u2"].FailAddMaster = true;
                break;
            case "create":
                unit.FailCreate = true;
                break;
            case "attach1":
                unit.CountFrom(1);
                break;
            case "attach2" or "throw2":
                _machine.Units["u2"].CountFrom(1);
                _machine.Units["u2"].Throws = step == "throw2";
                break;
            case "owned":
                unit.Key = _ => "shared";
                var squatter = new Device("s");
                _machine.Iommu.Configure(squatter, [new IommuSpecifier(_first.Key, "u1", [5])]);
                squatter.Iommu!.Group.Claim(this);
                break;
            case "probe" or "defer" or "bug":
                var probe = _driver.OnProbe!;
                _driver.OnProbe = device =>
                {
                    probe(device);
                    if (broken)
                        throw step == "bug" ? new InvalidOperationException("bug")
                            : new ApertureException(step == "probe" ? Status.IoError : Status.ProbeDefer, "not now");
                };
                break;
        }

        if (step == "gate")
        {
            var odd = new Device("m")
            {
                Description = _master.Description with
                {
                    Gates = [new GateSpecifier(GateKind.PowerDomain, null, _controller.Key, "ctl", [8])]
                }
            };
            _machine.Core.Add(odd);
            AssertNothingLeft(odd);
            return;
        }

        if (step == "bug")
            Assert.Throws<InvalidOperationException>(() => _machine.Core.Add(_master));
        else
            _machine.Core.Add(_master);

        Assert.Equal(step == "defer" ? DriverEventKind.Deferred : DriverEventKind.Failed, _machine.Core.Log[^1].Kind);
        AssertNothingLeft(_master);
        Assert.Equal(step is "probe" or "defer" or "bug" ? ["second", "first"] : [], _released);

        // With the cause gone it works.
        broken = false;
        unit.FailCreate = false;
        unit.CountFrom(0);
        _machine.Units["u2"].CountFrom(0);
        _machine.Units["u2"].FailAddMaster = false;
        if (step == "owned")
            _machine.Iommu.Groups[0].Release(this);
        if (step == "defer")
            _machine.Core.Add(FakeMachine.Device("other", "x"));
        else
            _machine.Core.Bind(_master);
        Assert.NotNull(_master.Bound);
        Assert.Equal("iommu", _master.Dma.Path);
        Assert.Equal(new Iova(0x7FFF_FFFF), _master.Dma.BusLimit);
        _machine.Core.Unbind(_master);
        AssertNothingLeft(_master);
    }

    [Fact]
    public void Resource_that_throws_does_not_keep_the_others()
    {
        _driver.OnProbe = device =>
        {
            device.Manage(new Note(_released, "first"));
            device.Manage(new Note(_released, "bad") { Fails = true });
            device.Manage(new Note(_released, "last"));
        };
        _machine.Core.Add(_master);
        _machine.Core.Unbind(_master);

        Assert.Equal(["last", "bad", "first"], _released);
        Assert.Contains(_machine.Core.Log, entry => entry.Kind == DriverEventKind.Trouble && entry.Device == _master
            && entry.Detail == "bad");
    }

    private void AssertNothingLeft(Device device)
    {
        Assert.Null(device.Bound);
        Assert.Null(device.Driver);
        Assert.Null(device.Iommu);
        Assert.Equal("none", device.Dma.Path);
        Assert.False(device.Power.IsActive);
        Assert.Equal(0, device.Power.UseCount);
        Assert.Empty(device.Power.Suppliers);
        Assert.Empty(device.PowerDomains);
        Assert.All(_gates.Values, gate => Assert.False(gate.IsOn));
        foreach (var unit in _machine.Units.Values)
        {
            Assert.DoesNotContain(device, unit.Masters);
            Assert.DoesNotContain(unit.Current, entry => entry.Key.Master == device.Name);
            Assert.Equal(0, unit.Device.Power.UseCount);
            Assert.False(unit.Device.Power.IsActive);
            if (_machine.Iommu.Groups.Count == 0)
                Assert.All(unit.Domains, domain => Assert.True(domain.IsDisposed));
        }

        Assert.DoesNotContain(_machine.Iommu.Groups, group => group.Masters.Any(master => master.Device == device));
    }

    private sealed class Note(List<string> released, string name) : IDisposable
    {
        public bool Fails { get; init; }

        public void Dispose()
        {
            released.Add(name);
            if (Fails)
                throw new InvalidOperationException(name);
        }
    }
}
