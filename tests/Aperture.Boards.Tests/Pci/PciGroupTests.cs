using Aperture.Boards.Pci;
using Aperture.Core;
using Aperture.Datasheets.Pci;
using Aperture.Devices;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Pci;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Boards.Tests.Pci;

/// <summary>Which functions form a group: those that share a number or reach each other past the IOMMU, in whatever order they
/// come.</summary>
public sealed class PciGroupTests
{
    private const uint Window = 0x6000_0000; // on the buses; to the CPU it is elsewhere, so that nothing gets there by way of memory
    private static readonly uint[] s_everything = [0, 30, 0x1_0000, 0x1_0000]; // to numbers of nobody else

    private const AcsFlags All = AcsFlags.Isolation;
    private const AcsFlags None = AcsFlags.None;

    /// <summary>A topology, and the groups as indices of its functions in the order in which they are found.</summary>
    public static TheoryData<string, string> Table => new()
    {
        { "two root ports", "0|1" },
        { "two functions behind a root port", "0,1" },
        { "two functions behind a root port with ACS", "0,1" },
        { "two functions with ACS behind a root port with ACS", "0|1" },
        { "two functions with ACS behind a root port", "0,1" },
        { "a switch with ACS", "0|1" },
        { "a switch without ACS", "0,1" },
        { "a switch with ACS at one port only", "0,1" },
        { "a switch with ACS behind a root port without", "0,1" },
        { "a bridge to PCI behind a root port with ACS", "0,1" },
        { "a bridge to PCI and a root port, both with ACS", "0,1|2" },
        { "two functions of root ports without ACS", "0,1" },
        { "two functions of root ports with ACS", "0|1" },
        { "two devices in the root complex", "0|1" },
        { "a device with two functions in the root complex", "0,1" },
        { "a conventional bridge in the root complex", "0,1" },
    };

    [Theory]
    [MemberData(nameof(Table))]
    public void Groups_follow_from_access_control_and_bridges(string topology, string groups)
    {
        using var machine = Boot(site => Fill(topology, site));
        Assert.Equal(groups, Text(Partition(machine.Iommu, Devices(machine))));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void Random_topologies_have_the_same_groups_in_every_order_and_nobody_reaches_out_of_his(int seed)
    {
        using var machine = Boot(site => new RandomTopology(site, seed).Fill());
        var host = machine.PciHosts[0];
        var devices = Devices(machine);
        Assert.True(devices.Count > 1, $"seed {seed}");
        var partition = Partition(machine.Iommu, devices);

        var random = new Random(seed);
        for (var round = 0; round < 5; round++)
        {
            var order = Enumerable.Range(0, devices.Count).ToArray();
            random.Shuffle(order);
            var copies = devices.Select(device => new Device(device.Name) { Description = device.Description }).ToArray();
            var core = new IommuCore(machine.Tables);
            foreach (var i in order)
                core.AddMaster(copies[i]);
            Assert.Equal(Text(partition), Text(Partition(core, copies)));
        }

        // What hardware does is the measure: whoever shares a number or gets an access to a peer is in its group.
        var functions = host.Bridge!.Devices.Select(found => host.Model.Find(found.Address)!).ToArray();
        foreach (var found in host.Bridge.Devices)
            found.Configuration.Update16(PciRegisters.Command, (ushort)PciCommand.BusMaster);
        for (var one = 0; one < functions.Length; one++)
        {
            for (var other = 0; other < functions.Length; other++)
            {
                var at = host.Bridge.Devices[other].Function.Bars[0].Address!.Value;
                var isReached = one != other
                    && functions[one].Port.Write(new Iova(at), [1, 0, 0, 0], out _) == DmaStatus.Ok;
                var isSame = functions[one].Port.Stream == functions[other].Port.Stream;
                Assert.True(partition[one] == partition[other] || !(isReached || isSame),
                    $"seed {seed}: {functions[one].Address} and {functions[other].Address} are in two groups");
            }
        }
    }

    private static Machine Boot(Action<PciSite> fill) =>
        Machine.Boot(PciTrees.Build(s_everything, false, first: Window), new MachineOptions { Pci = fill });

    private static IReadOnlyList<Device> Devices(Machine machine) =>
        [.. machine.PciHosts[0].Bridge!.Devices.Select(device => device.Device)];

    /// <summary>For each device, the first one of its group.</summary>
    private static int[] Partition(IommuCore core, IReadOnlyList<Device> devices)
    {
        var partition = new int[devices.Count];
        for (var i = 0; i < partition.Length; i++)
        {
            Assert.True(core.TryFindGroup(devices[i], out var group));
            partition[i] = Enumerable.Range(0, devices.Count).First(j => group.Members.Contains(devices[j]));
        }

        return partition;
    }

    private static string Text(int[] partition) =>
        string.Join('|', partition.Select((first, i) => (first, i)).GroupBy(entry => entry.first)
            .Select(group => string.Join(',', group.Select(entry => entry.i))));

    private static PciFunction Function(PciSite site, ExpressPort? express, AcsFlags acs = None)
    {
        var function = new PciFunction(site.Bus, new PciIdentity(0x1234, 1), new PciFunctionOptions { Express = express, Acs = acs });
        function.AddBar(0, new PciBar(new Words()));
        return function;
    }

    private static PciBridge Bridge(PciSite site, PciBus bus, int device, PciBridgeKind kind, AcsFlags acs = None, int number = 0)
    {
        var bridge = new PciBridge(site.Bus, kind, acs);
        bus.Add(bridge, device, number);
        return bridge;
    }

    private static void Fill(string topology, PciSite site)
    {
        var root = site.Host.Root;
        PciFunction Endpoint(AcsFlags acs = None) => Function(site, ExpressPort.Endpoint, acs);
        PciBridge Port(int device, AcsFlags acs, int number = 0) => Bridge(site, root, device, PciBridgeKind.RootPort, acs, number);

        void Switch(AcsFlags above, AcsFlags acs, AcsFlags? second = null)
        {
            var up = Bridge(site, Port(1, above).Secondary, 0, PciBridgeKind.UpstreamPort);
            for (var i = 0; i < 2; i++)
                Bridge(site, up.Secondary, i, PciBridgeKind.DownstreamPort, i == 0 ? acs : second ?? acs).Secondary
                    .Add(Endpoint(), 0);
        }

        void Device(PciBus bus, AcsFlags acs, ExpressPort kind = ExpressPort.Endpoint)
        {
            for (var i = 0; i < 2; i++)
                bus.Add(Function(site, kind, acs), 0, i);
        }

        void Conventional(PciBus bus)
        {
            for (var i = 0; i < 2; i++)
                bus.Add(Function(site, null), i + 1);
        }

        switch (topology)
        {
            case "two root ports":
                Port(1, None).Secondary.Add(Endpoint(), 0);
                Port(2, None).Secondary.Add(Endpoint(), 0);
                break;
            case "two functions behind a root port":
                Device(Port(1, None).Secondary, None);
                break;
            case "two functions behind a root port with ACS":
                Device(Port(1, All).Secondary, None);
                break;
            case "two functions with ACS behind a root port with ACS":
                Device(Port(1, All).Secondary, All);
                break;
            case "two functions with ACS behind a root port":
                Device(Port(1, None).Secondary, All);
                break;
            case "a switch with ACS":
                Switch(All, All);
                break;
            case "a switch without ACS":
                Switch(All, None);
                break;
            case "a switch with ACS at one port only":
                Switch(All, None, All);
                break;
            case "a switch with ACS behind a root port without":
                Switch(None, All);
                break;
            case "a bridge to PCI behind a root port with ACS":
                Conventional(Bridge(site, Port(1, All).Secondary, 0, PciBridgeKind.ExpressToPci).Secondary);
                break;
            case "a bridge to PCI and a root port, both with ACS":
                Conventional(Bridge(site, Port(1, All).Secondary, 0, PciBridgeKind.ExpressToPci).Secondary);
                Port(2, All).Secondary.Add(Endpoint(), 0);
                break;
            case "two functions of root ports without ACS":
                Port(1, None).Secondary.Add(Endpoint(), 0);
                Port(1, None, 1).Secondary.Add(Endpoint(), 0);
                break;
            case "two functions of root ports with ACS":
                Port(1, All).Secondary.Add(Endpoint(), 0);
                Port(1, All, 1).Secondary.Add(Endpoint(), 0);
                break;
            case "two devices in the root complex":
                root.Add(Function(site, ExpressPort.IntegratedEndpoint), 1);
                root.Add(Function(site, ExpressPort.IntegratedEndpoint), 2);
                break;
            case "a device with two functions in the root complex":
                Device(root, None, ExpressPort.IntegratedEndpoint);
                break;
            case "a conventional bridge in the root complex":
                Conventional(Bridge(site, root, 1, PciBridgeKind.PciToPci).Secondary);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(topology), topology, "no such topology");
        }
    }

    /// <summary>Bridges and functions by chance, up to the buses that there are.</summary>
    private sealed class RandomTopology(PciSite site, int seed)
    {
        private readonly Random _random = new(seed);
        private int _bridges; // made so far: as many buses

        public void Fill()
        {
            for (var device = 1; device < 8; device++)
            {
                switch (_random.Next(4))
                {
                    case 0:
                        Device(site.Host.Root, device, ExpressPort.IntegratedEndpoint);
                        break;
                    case 1 when TryBridge(site.Host.Root, device, PciBridgeKind.PciToPci, None, 0) is { } bridge:
                        Conventional(bridge.Secondary, 0);
                        break;
                    default:
                        for (var number = _random.Next(2); number >= 0; number--)
                        {
                            if (TryBridge(site.Host.Root, device, PciBridgeKind.RootPort, Acs(), number) is { } port)
                                Link(port.Secondary, 0);
                        }

                        break;
                }
            }

            site.Host.Root.Add(Function(site, ExpressPort.IntegratedEndpoint), 20);
            site.Host.Root.Add(Function(site, ExpressPort.IntegratedEndpoint), 21);
        }

        private void Link(PciBus bus, int depth)
        {
            var kind = depth < 3 ? _random.Next(4) : 3;
            if (kind == 0 && TryBridge(bus, 0, PciBridgeKind.ExpressToPci, None, 0) is { } bridge)
            {
                Conventional(bridge.Secondary, depth + 1);
            }
            else if (kind == 1 && TryBridge(bus, 0, PciBridgeKind.UpstreamPort, None, 0) is { } up)
            {
                for (var device = 0; device < 3; device++)
                {
                    if (TryBridge(up.Secondary, device, PciBridgeKind.DownstreamPort, Acs(), 0) is { } down)
                        Link(down.Secondary, depth + 1);
                }
            }
            else
            {
                Device(bus, 0, ExpressPort.Endpoint);
            }
        }

        private void Conventional(PciBus bus, int depth)
        {
            for (var device = _random.Next(3); device < 3; device++)
            {
                if (depth < 3 && _random.Next(3) == 0 && TryBridge(bus, device, PciBridgeKind.PciToPci, None, 0) is { } bridge)
                    Conventional(bridge.Secondary, depth + 1);
                else
                    bus.Add(Function(site, null), device);
            }
        }

        private void Device(PciBus bus, int device, ExpressPort kind)
        {
            var acs = Acs();
            for (var number = _random.Next(3); number >= 0; number--)
                bus.Add(Function(site, kind, acs), device, number);
        }

        private PciBridge? TryBridge(PciBus bus, int device, PciBridgeKind kind, AcsFlags acs, int number) =>
            ++_bridges < 14 ? Bridge(site, bus, device, kind, acs, number) : null;

        private AcsFlags Acs() => _random.Next(2) == 0 ? All : None;
    }

    private sealed class Words : IMmioDevice
    {
        public uint Size => 4096;

        public bool TryRead(uint offset, int width, out ulong value)
        {
            value = 0;
            return true;
        }

        public bool TryWrite(uint offset, int width, ulong value) => true;
    }
}
