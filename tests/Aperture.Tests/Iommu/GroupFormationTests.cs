using Aperture.Core;
using Aperture.Devices;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Iommu;

/// <summary>Which masters form a group follows from their descriptions, and from nothing that happens afterwards.</summary>
public sealed class GroupFormationTests : IDisposable
{
    private readonly FakeMachine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Theory]
    [InlineData("A B C")]
    [InlineData("A C B")]
    [InlineData("C B A")]
    [InlineData("B A C")]
    public void The_third_master_could_not_be_bound_when_it_shared_streams_with_two_that_were_bound_before(string order)
    {
        var masters = Three(order.Split(' '));
        Assert.All(masters.Values, master => Assert.NotNull(master.Bound));
        Assert.Equal("A B C", Members(Assert.Single(_machine.Iommu.Groups)));
    }

    [Fact]
    public void A_master_that_came_back_was_put_into_the_group_of_one_that_it_shares_nothing_with()
    {
        // On 458a36c the keys of B stayed with the group when B was released; here B leaves the machine, and the group is in use meanwhile.
        var masters = Three("B", "A", "C");
        _machine.Core.Remove(masters["B"]);
        _machine.Core.Unbind(masters["C"]);
        _machine.Core.Bind(masters["C"]);
        Assert.NotSame(masters["A"].Iommu!.Group, masters["C"].Iommu!.Group);
        Assert.NotSame(masters["A"].Iommu!.Domain, masters["C"].Iommu!.Domain);
        Assert.Equal(["A", "C"], _machine.Iommu.Groups.Select(Members).Order());
    }

    [Fact]
    public void Group_stays_as_long_as_its_masters_are_in_the_machine_whoever_is_released()
    {
        var masters = Three("B", "A", "C");
        _machine.Core.Unbind(masters["B"]);
        _machine.Core.Unbind(masters["C"]);
        _machine.Core.Bind(masters["C"]);
        Assert.Same(masters["A"].Iommu!.Group, masters["C"].Iommu!.Group);
        Assert.Same(masters["A"].Iommu!.Domain, masters["C"].Iommu!.Domain);
        _machine.Core.Unbind(masters["A"]);
        _machine.Core.Unbind(masters["C"]);
        Assert.Equal("A B C", Members(Assert.Single(_machine.Iommu.Groups)));
    }

    [Fact]
    public void Group_in_use_is_told_apart_once_it_is_not()
    {
        var masters = Three("A", "B", "C");
        var group = masters["A"].Iommu!.Group;
        _machine.Core.Remove(masters["B"]);
        Assert.Equal("A C", Members(Assert.Single(_machine.Iommu.Groups)));
        Assert.Same(group.DefaultDomain, masters["C"].Iommu!.Domain);
        _machine.Core.Unbind(masters["A"]);
        Assert.Equal("A | C", string.Join(" | ", _machine.Iommu.Groups.Select(Members).Order()));
        Assert.True(_machine.Iommu.TryFindGroup(masters["C"], out var kept));
        Assert.Same(group, kept);
    }

    [Fact]
    public void Master_that_arrives_late_and_joins_two_groups_in_use_waits_for_one_of_them()
    {
        _machine.UnitDriver();
        _machine.Driver("client");
        var unit = FakeMachine.Device("u", "iommu");
        var (a, b, c) = (Master("A", (unit, 1)), Master("B", (unit, 1), (unit, 2)), Master("C", (unit, 2)));
        _machine.Core.Add(unit, a, c);
        _machine.Core.Add(b);
        Assert.Null(b.Bound);
        Assert.False(_machine.Iommu.TryFindGroup(b, out _));
        Assert.Contains("B cannot be told apart from masters of groups 0 (A) and 1 (C)", _machine.Log[^1], StringComparison.Ordinal);
        _machine.Core.Unbind(c);
        Assert.True(_machine.Core.Bind(b));
        Assert.True(_machine.Core.Bind(c));
        Assert.Equal("A B C", Members(Assert.Single(_machine.Iommu.Groups)));
        Assert.Same(a.Iommu!.Domain, c.Iommu!.Domain);
    }

    [Fact]
    public void Owner_whose_masters_drivers_left_keeps_its_group()
    {
        var masters = Three("A", "B", "C");
        var group = masters["A"].Iommu!.Group;
        _machine.Core.Unbind(masters["B"]);
        _machine.Core.Unbind(masters["C"]);
        _machine.Core.Unbind(masters["A"]);
        var manager = _machine.Register(new FakeDriver(_machine.Calls, "client") { ManagesOwnDma = true });
        Assert.True(_machine.Core.Bind(masters["A"], manager));
        group = masters["A"].Iommu!.Group;
        group.Claim(this);
        _machine.Core.Unbind(masters["A"]);
        _machine.Core.Remove(masters["B"]);
        Assert.True(_machine.Iommu.TryFindGroup(masters["C"], out var held));
        Assert.Same(group, held);
        Assert.False(_machine.Core.Bind(masters["C"]));
        Assert.Contains("keeps drivers out", _machine.Log[^1], StringComparison.Ordinal);
        group.Release(this);
        Assert.True(_machine.Core.Bind(masters["C"]));
        Assert.Equal(2, _machine.Iommu.Groups.Count);
    }

    [Fact]
    public void Groups_and_their_numbers_are_the_same_in_every_order_of_binding_and_release()
    {
        var seed = Random.Shared.Next();
        for (var tree = 0; tree < 1000; tree++)
        {
            var random = new Random(seed + tree);
            using var rig = new Rig(random);
            try
            {
                rig.Run();
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed + tree}", e);
            }
        }
    }

    private Dictionary<string, Device> Three(params string[] order)
    {
        _machine.UnitDriver();
        _machine.Driver("client");
        var unit = FakeMachine.Device("u", "iommu");
        var masters = new Dictionary<string, Device>
        {
            ["A"] = Master("A", (unit, 1)),
            ["B"] = Master("B", (unit, 1), (unit, 2)),
            ["C"] = Master("C", (unit, 2)),
        };
        _machine.Core.Add([.. order.Select(name => masters[name])]);
        _machine.Core.Add(unit);
        return masters;
    }

    private static Device Master(string name, params (Device Unit, uint Stream)[] ports) => FakeMachine.Master(name, "client", ports);

    private static string Members(IommuGroup group) =>
        string.Join(' ', group.Members.Select(member => member.Name).Order(StringComparer.Ordinal));

    /// <summary>A machine of units of two kinds and of masters behind any of them, shaken.</summary>
    private sealed class Rig : IDisposable
    {
        private readonly FakeMachine _machine = new();
        private readonly Random _random;
        private readonly List<Device> _units = [];
        private readonly HashSet<Device> _whole = []; // units that cannot tell their masters apart
        private readonly List<Device> _masters = [];

        public Rig(Random random)
        {
            _random = random;
            _machine.Register(new FakeDriver(_machine.Calls, "client"));
            _machine.Core.Register(new UnitDriver(_machine, "fine", MasterGrouping.ByReference));
            _machine.Core.Register(new UnitDriver(_machine, "coarse", MasterGrouping.ByUnit));
            for (var i = random.Next(1, 5); i > 0; i--)
            {
                var unit = FakeMachine.Device($"u{i}", random.Next(3) == 0 ? "coarse" : "fine");
                _units.Add(unit);
                if (unit.Description.Compatible[0] == "coarse")
                    _whole.Add(unit);
            }

            for (var i = random.Next(2, 8); i > 0; i--)
            {
                var ports = Enumerable.Range(0, random.Next(1, 4)).Select(_ => (_units[random.Next(_units.Count)], (uint)random.Next(5)))
                    .ToArray();
                _masters.Add(FakeMachine.Master($"m{i}", "client", ports));
            }
        }

        public void Run()
        {
            var expected = Expected();
            foreach (var master in _masters)
                _machine.Iommu.AddMaster(master); // the description's order gives the numbers, as a machine does it
            Device[] all = [.. _units, .. _masters];
            _random.Shuffle(all);
            _machine.Core.Add(all);
            Assert.All(all, device => Assert.NotNull(device.Bound));
            for (var step = 0; step < 12; step++)
            {
                Assert.Equal(expected,
                    string.Join(" | ", _machine.Iommu.Groups.Select(group =>
                    $"{group.Id}: {string.Join(' ', group.Members.Select(member => member.Name))}")));
                foreach (var master in _masters.Where(master => master.Iommu is not null))
                    Assert.Contains(master, master.Iommu!.Group.Members);
                var device = all[_random.Next(all.Length)];
                if (device.Bound is not null)
                    _machine.Core.Unbind(device);
                else
                    _machine.Core.Bind(device);
            }
        }

        public void Dispose() => _machine.Dispose();

        /// <summary>The groups by looking at all pairs until nothing changes.</summary>
        private string Expected()
        {
            var group = Enumerable.Range(0, _masters.Count).ToArray();
            for (var changed = true; changed;)
            {
                changed = false;
                for (var i = 0; i < group.Length; i++)
                {
                    for (var j = 0; j < group.Length; j++)
                    {
                        if (group[i] <= group[j] || !Share(_masters[i], _masters[j]))
                            continue;
                        group[i] = group[j];
                        changed = true;
                    }
                }
            }

            return string.Join(" | ", group.Distinct().Order().Select((leader, id) =>
                $"{id}: {string.Join(' ', _masters.Where((_, i) => group[i] == leader).Select(master => master.Name))}"));
        }

        private bool Share(Device one, Device other) =>
            one.Description.Identity.Units.Any(mine => other.Description.Identity.Units.Any(its =>
            mine.Unit == its.Unit && (_whole.Any(unit => unit.Key == mine.Unit) || mine.Cells[0] == its.Cells[0])));
    }

    private sealed class UnitDriver(FakeMachine machine, string compatible, MasterGrouping grouping) : IIommuDriver
    {
        public string Name => "fake-iommu";

        public IReadOnlyList<string> Compatible { get; } = [compatible];

        public MasterGrouping GroupingOf(Device unit) => grouping;

        public IBoundDriver Probe(Device device)
        {
            device.Manage(machine.Iommu.Register(new FakeUnit(device) { GroupedBy = grouping }));
            return new Bound();
        }

        private sealed class Bound : IBoundDriver;
    }

    [Fact]
    public void A_unit_that_groups_by_another_rule_than_its_driver_said_was_not_noticed()
    {
        using var memory = new FakeMemory();
        var core = new IommuCore(memory);
        var unit = new FakeUnit(new Device("u"));
        core.SetGrouping(unit.Device.Key, MasterGrouping.ByUnit);
        core.AddMaster(FakeMachine.Master("a", "m", (unit.Device, 1)));
        core.AddMaster(FakeMachine.Master("b", "m", (unit.Device, 2)));
        var error = Assert.Throws<ApertureException>(() => core.Register(unit)); // by reference
        Assert.Equal(Status.InvalidArgument, error.Status);
        Assert.Contains("IOMMU u says that it can tell a from b", error.Message, StringComparison.Ordinal);
        Assert.Empty(core.Units);
        core.SetGrouping(unit.Device.Key, MasterGrouping.ByReference);
        core.Register(unit);
    }
}
