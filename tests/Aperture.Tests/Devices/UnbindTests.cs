using Aperture.Core;
using Aperture.Devices;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Devices;

public sealed class UnbindTests : IDisposable
{
    private readonly FakeMachine _machine = new();
    private readonly FakeDriver _driver;
    private readonly Device _a = FakeMachine.Device("a", "x");
    private readonly Device _b;
    private readonly Device _c;

    public UnbindTests()
    {
        _driver = _machine.Driver("x");
        _b = FakeMachine.Device("b", "x", _a);
        _c = FakeMachine.Device("c", "x", _b, _a);
        foreach (var device in (Device[])[_a, _b, _c])
            _machine.Core.Add(device);
        _machine.Calls.Clear();
    }

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void Consumers_go_first_and_come_back_with_the_supplier()
    {
        _machine.Core.Unbind(_a);

        Assert.Equal(["c remove", "b remove", "a remove"], _machine.Calls.Where(call => call.EndsWith("remove", StringComparison.Ordinal)));
        Assert.All((Device[])[_a, _b, _c], device => Assert.Null(device.Bound));
        Assert.Equal("b waits for a, which was unbound", _machine.Core.Deferred[0].Reason);

        Assert.True(_machine.Core.Bind(_a));
        Assert.All((Device[])[_a, _b, _c], device => Assert.NotNull(device.Bound));
    }

    [Fact]
    public void Device_is_active_while_its_driver_lets_go()
    {
        var actives = new List<bool>();
        _driver.OnCall = (device, what) =>
        {
            if (what == "remove")
                actives.Add(device.Power.IsActive);
        };
        _machine.Core.Unbind(_c);
        Assert.Equal(["a resume", "b resume", "c resume", "c remove", "b suspend", "a suspend"], _machine.Calls);
        Assert.Equal([true], actives);
    }

    [Fact]
    public void Device_that_cannot_be_resumed_goes_all_the_same()
    {
        _driver.OnCall = (device, what) => { if (device == _c && what == "resume") throw new ApertureException(Status.IoError, "dead"); };
        _machine.Core.Unbind(_c);
        Assert.Null(_c.Bound);
        Assert.False(_c.Power.IsActive);
        Assert.Equal("c Trouble: c could not be resumed: dead", _machine.Log[^2]);
    }

    [Fact]
    public void Leaked_holds_are_reported_and_dropped()
    {
        _c.Power.Get();
        _machine.Core.Unbind(_c);
        Assert.False(_c.Power.IsActive);
        Assert.False(_a.Power.IsActive);
        Assert.Contains("c Trouble: the driver let go of the device but kept 1 holds on its power", _machine.Log);
    }

    [Fact]
    public void Removed_device_is_gone_and_may_come_back()
    {
        _machine.Core.Remove(_a);
        Assert.Equal([_b, _c], _machine.Core.Devices);
        Assert.False(_machine.Core.TryFind(_a.Key, out _));
        Assert.Equal(Status.NoDevice, Assert.Throws<ApertureException>(() => _machine.Core.Unbind(_a)).Status);
        _machine.Core.Add(_a);
        Assert.NotNull(_c.Bound);
    }

    [Fact]
    public void Unbinding_a_unit_unbinds_its_masters_and_rebinding_restores_them()
    {
        _machine.UnitDriver();
        var unit = FakeMachine.Device("u", "iommu");
        var master = FakeMachine.Master("m", "x", (unit, 1));
        _machine.Core.Add(master);
        _machine.Core.Add(unit);
        Assert.Equal("iommu", master.Dma.Path);
        var before = _machine.Units["u"];

        _machine.Core.Unbind(unit);
        Assert.Null(master.Bound);
        Assert.Empty(_machine.Iommu.Units);
        Assert.Empty(before.Current);
        Assert.All(before.Domains, domain => Assert.True(domain.IsDisposed));

        _machine.Core.Bind(unit);
        Assert.Equal("iommu", master.Dma.Path);
        Assert.NotSame(before, _machine.Units["u"]);
    }

    [Fact]
    public void Driver_that_manages_its_dma_gets_nothing_before_its_probe()
    {
        _machine.UnitDriver();
        var unit = FakeMachine.Device("u", "iommu");
        var domain = new FakeDomain(DomainType.Unmanaged);
        var inProbe = "";
        _machine.Register(new FakeDriver(_machine.Calls, "own")
        {
            ManagesOwnDma = true,
            OnProbe = device =>
            {
                inProbe = $"{device.Dma.Path} {device.Iommu!.Domain is null} {device.Iommu.Group.DefaultDomain is null} " +
                    $"{_machine.Units["u"].Current.Count}";
                device.Iommu.Group.Attach(domain);
                device.Dma.UseDomain(domain);
            },
        });
        var master = FakeMachine.Master("m", "own", (unit, 1));
        _machine.Core.Add(unit);
        _machine.Core.Add(master);

        Assert.Equal("none True True 0", inProbe);
        using (var buffer = master.Dma.Allocate(4096))
            Assert.True(domain.TryTranslate(buffer.Address, out _));
        Assert.Equal(Status.NotSupported, Assert.Throws<ApertureException>(() => master.Dma.UseDomain(_machine.Iommu.Identity)).Status);
        Assert.Equal(Status.InvalidArgument,
            Assert.Throws<ApertureException>(() => master.Dma.UseDomain(new FakeDomain(DomainType.Unmanaged))).Status);

        _machine.Core.Unbind(master);
        domain.Dispose();
        Assert.Equal(0, _machine.Memory.Live);
    }
}
