using Aperture.Acpi;
using Aperture.Acpi.Iort;
using Aperture.Acpi.Mcfg;
using Aperture.Boards.Acpi;
using Aperture.Boards.Running;
using Aperture.Boards.Tests.Checking;
using Aperture.Core;
using Aperture.Drivers.Edu;
using Aperture.Firmware;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Pci;
using Aperture.Iommu;

namespace Aperture.Boards.Tests.Acpi;

/// <summary>Machines that boot from ACPI tables: the hardware is where the tables have it, and who is behind which unit is what the tables
/// say.</summary>
public sealed class AcpiMachineTests
{
    private static string Folder => Path.Combine(BoardFiles.Own, "..", "tests", "Aperture.Tests", "Acpi", "Tables");

    public static TheoryData<string> Smmus =>
        [.. Directory.GetFiles(Folder, "smmuv3-*.bin").Select(file => Path.GetFileNameWithoutExtension(file))
            .Order(StringComparer.Ordinal)];

    public static TheoryData<string> Others =>
        [.. Directory.GetFiles(Folder, "*.bin").Select(file => Path.GetFileNameWithoutExtension(file))
            .Where(name => !name.StartsWith("smmuv3-", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Smmus))]
    public void A_machine_of_QEMU_boots_and_its_functions_are_confined(string name)
    {
        var edu = default(EduFunction)!;
        using var machine = AcpiBoard.Describe(AcpiTableSet.Load(Path.Combine(Folder, name + ".bin"))).Boot(new MachineOptions
        {
            Pci = site => site.Host.Root.Add(
                edu = new EduFunction(site.Bus, new EduOptions { Time = site.Time, DmaMask = ulong.MaxValue }), 2),
        });
        Assert.Equal("9050000.iommu", Assert.Single(machine.Units).Name);
        machine.Drivers.Register(new EduDriver(machine.Clock, 64));
        Assert.Empty(UnboundDevices.Find(machine));
        var found = Assert.Single(machine.PciHosts).Find(edu)!;
        Assert.Equal("iommu", found.Device.Dma.Path);
        Assert.Equal(120u, Assert.IsType<EduClient>(found.Device.Bound).Factorial(5));
        using (var buffer = found.Device.Dma.Allocate(4096))
        {
            buffer.Span[..8].Fill(0x5A);
            var client = (EduClient)found.Device.Bound;
            client.Load(buffer.Address, 0, 8);
            client.Store(0, buffer.Address + 100, 8);
            Assert.Equal(buffer.Span[..8].ToArray(), buffer.Span.Slice(100, 8).ToArray());
        }

        Assert.Empty(machine.Masters);
        var result = new SelfTest(machine).Run(machine.PciHosts[0])!;
        Assert.Null(result.Master.Skipped);
        Assert.Equal([8u], result.Master.Ids);
        Assert.True(result.IsFine, string.Join("; ", result.Checks.Select(check => check.Result.Reason)));
    }

    [Theory]
    [MemberData(nameof(Others))]
    public void Units_without_a_model_are_named(string name)
    {
        var tables = AcpiTableSet.Load(Path.Combine(Folder, name + ".bin"));
        var e = Assert.Throws<ApertureException>(() => AcpiBoard.Describe(tables));
        Assert.Equal(Status.NotSupported, e.Status);
        var units = new AcpiFirmware(tables).Units.Select(AcpiFirmware.NameOf).ToArray();
        Assert.Equal(tables.Tables[0] is not IortTable, units.Length == 1);
        Assert.All(units, unit => Assert.Contains(unit, e.Message, StringComparison.Ordinal));
        Assert.Contains("SMMUv3", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_tables_say_of_hosts_and_components_is_so_in_the_machine()
    {
        var board = AcpiBoard.Describe(Tables(
            Iort(
                new IortSmmuV3 { Address = 0x0905_0000, Flags = 1, EventInterrupt = 106, ErrorInterrupt = 109 },
                _ => new IortSmmuV3 { Address = 0x0A05_0000, EventInterrupt = 116, ErrorInterrupt = 119 },
                iort => With(
                    With(
                        new IortRootComplex { Segment = 3, AtsAttribute = 1, MemoryProperties = 1, AddressBits = 48 },
                        new IortIdMapping { InputBase = 0x2000, Count = 0xFF, OutputBase = 0x500, OutputReference = At(iort, 0) }),
                    new IortIdMapping { InputBase = 0x2100, Count = 0xFF, OutputReference = At(iort, 1) }),
                iort => With(
                    new IortNamedComponent { Path = @"\_SB.DMA0", Flags = 1 | 5 << 1, MemoryProperties = 1 },
                    new IortIdMapping { Count = 1, OutputBase = 0x40, OutputReference = At(iort, 1) }),
                iort => With(
                    new IortReservedMemory
                    {
                        RangeOffset = 28,
                        Ranges = { new IortMemoryRange { Address = 0x8800_0000, Length = 0x2_0000 } },
                    },
                    new IortIdMapping { OutputBase = 0x41, OutputReference = At(iort, 1) })),
            new McfgTable
            {
                Allocations = { new McfgAllocation { Address = 0x50_0000_0000, Segment = 3, FirstBus = 0x20, LastBus = 0x2F } },
            }));
        using var machine = board.Boot();
        Assert.Empty(UnboundDevices.Find(machine));
        Assert.Equal(["9050000.iommu", "a050000.iommu"], machine.Units.Select(unit => unit.Name));
        var host = Assert.Single(machine.PciHosts);
        Assert.Equal(0x50_0200_0000ul, host.Node.Registers()[0].Address!.Value.Value);
        Assert.Equal((0x20, 0x2F), (host.Model.Options.FirstBus, host.Model.Options.LastBus));

        MasterIdentity Function(uint id) => machine.Firmware.Identify(host.Node, id);
        Assert.Equal([("9050000.iommu", 0x508u)], Function(0x2008).Units.Select(unit => (unit.UnitName, unit.Cells[0])));
        Assert.True(Function(0x2008).IsAtsAllowed);
        Assert.Equal([("a050000.iommu", 0x41u)], Function(0x2141).Units.Select(unit => (unit.UnitName, unit.Cells[0])));
        Assert.Equal([(0x8800_0000ul, 0x8801_FFFFul)], Function(0x2141).Reservations.Select(kept => (kept.First.Value, kept.Last.Value)));
        Assert.Empty(Function(0x2200).Units);

        var component = Assert.Single(machine.Masters, master => master.Name == "dma0");
        Assert.Equal([0x40u, 0x41u], component.Ids);
        Assert.True(component.Device!.Description.IsCoherent);
        Assert.Equal(5, component.Device.Description.Identity.PasidBits);
        Assert.Contains(component.Device.Iommu!.Group.Reservations, kept => kept.First.Value == 0x8800_0000);
        Assert.Contains(machine.Tree.ReservedMemory(), region => region.Ranges[0].Start.Value == 0x8800_0000);
        var test = new SelfTest(machine);
        Assert.True(test.Run(component) is { Master.Skipped: null, IsFine: true });
        Assert.True(test.Run(host) is { IsFine: true });
    }

    /// <summary>For any table the tree's map, which wires the hardware, says of every id what the tables say, which the drivers are
    /// told.</summary>
    [Fact]
    public void The_map_in_the_hardware_is_the_tables_map_for_every_id()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var tables = Tables(Iort(
                new IortSmmuV3 { Address = 0x0905_0000, EventInterrupt = 50, ErrorInterrupt = 51 },
                _ => new IortSmmuV3 { Address = 0x0A05_0000, EventInterrupt = 52, ErrorInterrupt = 53 },
                iort =>
                {
                    var complex = new IortRootComplex { AddressBits = 48 };
                    for (var i = random.Next(6); i >= 0; i--)
                    {
                        With(complex, new IortIdMapping
                        {
                            InputBase = (uint)random.Next(0x800),
                            Count = (uint)random.Next(0x400),
                            OutputBase = (uint)random.Next(0x1000),
                            OutputReference = At(iort, random.Next(2)),
                            Flags = random.Next(8) == 0 ? 1u : 0,
                        });
                    }

                    return complex;
                }), new McfgTable { Allocations = { new McfgAllocation { Address = 0x50_0000_0000, LastBus = 0x07 } } });
            var board = AcpiBoard.Describe(tables);
            var host = board.Tree.Devices().Single(node => node.IsCompatible("pci-host-ecam-generic"));
            var acpi = new AcpiFirmware(tables);
            for (uint id = 0; id < 0x800; id++)
            {
                var said = acpi.Identify(new AcpiPciSegment(0), id).Units.Select(unit => unit.Cells[0]).ToArray();
                var told = board.Firmware.Identify(host, id).Units;
                var status = host.TryMapIommuId(id, out var unit, out var cells);
                Assert.True(status == (host.Has("iommu-map") ? Status.Ok : Status.NoDevice), $"seed {seed}, id 0x{id:x}: {status}");
                Assert.True(told.Select(each => each.Cells[0]).SequenceEqual(said), $"seed {seed}, id 0x{id:x}");
                Assert.True(said.Length == 0 ? unit is null : unit == told[0].Unit && cells[0] == said[0], $"seed {seed}, id 0x{id:x}");
            }
        }
    }

    [Fact]
    public void Registers_beyond_the_end_are_refused()
    {
        var tables = Tables(Iort(new IortSmmuV3 { Address = ulong.MaxValue - 0xFFF }));
        var e = Assert.Throws<ApertureException>(() => AcpiBoard.Describe(tables));
        Assert.Contains("beyond 2^64", e.Message, StringComparison.Ordinal);
    }

    private static AcpiTableSet Tables(params AcpiTable[] tables) =>
        AcpiTableSet.Parse(tables.SelectMany(table => table.ToBytes()).ToArray());

    /// <summary>What is chosen lies behind it, or nowhere; looking for a place takes no time by the bytes that are taken.</summary>
    [Theory]
    [InlineData(0x7FFF_FFFF_FFFFul, true)]
    [InlineData(0xFFFF_FFFF_F000ul, true)]
    [InlineData(0xFFFF_FFFF_FFFF_0000ul, false)]
    public void Reserved_memory_may_take_nearly_all_addresses(ulong last, bool isLeft)
    {
        var unit = new IortSmmuV3 { Address = 0x905_0000 };
        var memory = new IortReservedMemory { RangeOffset = 28 };
        memory.Ranges.Add(new IortMemoryRange { Address = 0x100_0000, Length = last - 0x100_0000 + 1 });
        var tables = AcpiTableSet.Parse(Iort(unit, _ => memory).ToBytes());
        if (isLeft)
        {
            var frame = AcpiBoard.Describe(tables).Tree.Devices().First(node => node.Compatible.Contains("arm,gic-v2m-frame"));
            Assert.True(frame.Registers()[0].Address!.Value.Value > last);
            return;
        }

        var failure = Assert.Throws<ApertureException>(() => AcpiBoard.Describe(tables));
        Assert.StartsWith("the tables leave no 0x10000 bytes of addresses from 0x8000000 on", failure.Message, StringComparison.Ordinal);
    }

    private static uint At(IortTable table, int node) => (uint)(48 + table.Nodes.Take(node).Sum(LengthOf));

    private static int LengthOf(IortNode node) => Iort(node).ToBytes().Length - 48;

    /// <summary>A node with one more mapping, behind what it has.</summary>
    private static T With<T>(T node, IortIdMapping mapping)
        where T : IortNode
    {
        if (node.Mappings.Count == 0)
            node.MappingOffset = (uint)LengthOf(node);
        node.Mappings.Add(mapping);
        return node;
    }

    private static IortTable Iort(IortNode unit, params Func<IortTable, IortNode>[] nodes)
    {
        var table = new IortTable { NodeOffset = 48 };
        table.Nodes.Add(unit);
        foreach (var make in nodes)
            table.Nodes.Add(make(table));
        table.NodeCount = (uint)table.Nodes.Count;
        return table;
    }
}
