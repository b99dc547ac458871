using Aperture.Acpi;
using Aperture.Acpi.Dmar;
using Aperture.Acpi.Iort;
using Aperture.Acpi.Ivrs;
using Aperture.Core;
using Aperture.Firmware;
using Aperture.Iommu;

namespace Aperture.Tests.Acpi;

public class AcpiFirmwareTests
{
    private static readonly AcpiPciSegment Segment = new(0);

    [Theory]
    [InlineData("smmuv3-10.0-iort", 0x08u, "smmuv3@9050000", 0x08u)]
    [InlineData("smmuv3-10.0-iort", 0x100u, null, 0u)]
    [InlineData("smmuv3-7.2-iort", 0x100u, "smmuv3@9050000", 0x100u)]
    [InlineData("smmuv3-11.1-iort", 0xFFu, "smmuv3@9050000", 0xFFu)]
    [InlineData("smmuv3-11.1-iort", 0x100u, null, 0u)]
    [InlineData("virtio-arm-11.1-viot", 0x10u, "virtio-iommu 0000:00:01.0", 0x10u)]
    [InlineData("virtio-arm-11.1-viot", 0x08u, null, 0u)]
    [InlineData("riscv-pci-11.1-rimt", 0x10u, "riscv-iommu 0000:00:01.0", 0x10u)]
    [InlineData("riscv-pci-11.1-rimt", 0x08u, null, 0u)]
    [InlineData("riscv-sys-11.1-rimt", 0x08u, "riscv-iommu@3010000", 0x08u)]
    [InlineData("riscv-sys-11.1-rimt", 0xFFFFu, "riscv-iommu@3010000", 0xFFFFu)]
    public void A_function_of_a_machine_that_QEMU_describes_is_behind(string table, uint id, string? unit, uint stream)
    {
        var identity = new AcpiFirmware(AcpiTableSet.Parse(AcpiTables.Read(table))).Identify(Segment, id);
        Assert.Equal(unit is null ? [] : [(unit, stream)], identity.Units.Select(one => (one.UnitName, Assert.Single(one.Cells))));
    }

    [Fact]
    public void Segments_of_which_no_table_speaks_are_unknown()
    {
        var firmware = new AcpiFirmware(AcpiTableSet.Parse(AcpiTables.Read("smmuv3-11.1-iort")));
        var error = Assert.Throws<ApertureException>(() => firmware.Identify(new AcpiPciSegment(1), 8));
        Assert.Equal(Status.NoDevice, error.Status);
        Assert.Contains("segment 1", error.Message, StringComparison.Ordinal);
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => firmware.Identify(Segment, 0x1_0000)).Status);
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => firmware.Identify(new object())).Status);
    }

    [Fact]
    public void Ways_over_bridges_decide_which_of_VT_ds_units_a_device_has()
    {
        var table = new DmarTable
        {
            Nodes =
            {
                new DmarUnit { Address = 0x1000, Scopes = { new DmarScope { Type = DmarScope.Endpoint, Path = [2, 0] } } },
                new DmarUnit { Address = 0x2000, Scopes = { new DmarScope { Type = DmarScope.Bridge, Path = [28, 4] } } },
                new DmarUnit { Address = 0x3000, Scopes = { new DmarScope { Type = DmarScope.Endpoint, Path = [29, 0, 0, 1] } } },
                new DmarUnit { Address = 0x4000, Flags = 1 },
                new DmarReservedMemory
                {
                    First = 0x7000_0000, Last = 0x7000_FFFF, Scopes = { new DmarScope { Type = DmarScope.Endpoint, Path = [2, 0] } },
                },
            },
        };
        var firmware = Firmware(table);

        // bus 1 is behind 00:1c.4, bus 2 behind 01:00.0, bus 3 behind 00:1d.0
        var segment = new AcpiPciSegment(0, bus => bus switch { 1 => 0xE4, 2 => 0x100, 3 => 0xE8, _ => null });
        string Unit(uint id) => Assert.Single(firmware.Identify(segment, id).Units).UnitName;
        Assert.Equal("vt-d@1000", Unit(0x10));
        Assert.Equal("vt-d@4000", Unit(0x11));
        Assert.Equal("vt-d@2000", Unit(0xE4));
        Assert.Equal("vt-d@2000", Unit(0x108));
        Assert.Equal("vt-d@2000", Unit(0x2FF));
        Assert.Equal("vt-d@4000", Unit(0x300));
        Assert.Equal("vt-d@3000", Unit(0x301));
        Assert.Equal("vt-d@4000", Assert.Single(firmware.Identify(Segment, 0x301).Units).UnitName); // nobody says where bus 3 is
        var kept = new IovaReservation(new Iova(0x7000_0000), new Iova(0x7000_FFFF), ReservationKind.Direct);
        Assert.Equal([kept], firmware.Identify(segment, 0x10).Reservations);
        Assert.Empty(firmware.Identify(segment, 0x11).Reservations);
    }

    [Fact]
    public void AMDs_entries_give_ids_aliases_and_memory_and_the_highest_block_counts()
    {
        static IvrsDeviceEntry Entry(byte type, ushort id) => new() { Type = type, DeviceId = id };
        var table = new IvrsTable
        {
            Nodes =
            {
                new IvrsUnit { Type = IvrsUnit.Basic, DeviceId = 2, Address = 0x1000, Devices = { Entry(IvrsDeviceEntry.All, 0) } },
                new IvrsUnit
                {
                    Type = IvrsUnit.Extended, DeviceId = 2, Address = 0x1000,
                    Devices =
                    {
                        Entry(IvrsDeviceEntry.Select, 0x10), Entry(IvrsDeviceEntry.RangeStart, 0x20), Entry(IvrsDeviceEntry.RangeEnd, 0x2F),
                    },
                },
                new IvrsMemory { Type = IvrsMemory.Range, DeviceId = 0x20, LastDeviceId = 0x21, Start = 0x8000, Size = 0x1000, Flags = 3 },
                new IvrsMemory { Type = IvrsMemory.All, Start = 0xF000, Size = 0x1000, Flags = 8 },
            },
        };
        var firmware = Firmware(table);
        uint[] Ids(uint id) => [.. firmware.Identify(Segment, id).Units.Select(unit => unit.Cells[0])];
        Assert.Equal([0x10u], Ids(0x10));
        Assert.Equal([0x20u], Ids(0x20));
        Assert.Equal([0x2Fu], Ids(0x2F));
        Assert.Empty(Ids(0x30));
        Assert.Empty(Ids(0x1F));
        Assert.Empty(Ids(2));
        Assert.Equal(
            [
                new IovaReservation(new Iova(0x8000), new Iova(0x8FFF), ReservationKind.Direct, Protection.Read),
                new IovaReservation(new Iova(0xF000), new Iova(0xFFFF), ReservationKind.Reserved, Protection.None),
            ],
            firmware.Identify(Segment, 0x21).Reservations);
        Assert.Single(firmware.Identify(Segment, 0x22).Reservations);
    }

    [Fact]
    public void Arms_named_components_and_reserved_memory_are_found_by_their_streams()
    {
        var smmu = new IortSmmuV3 { Address = 0x9050000 };
        var component = new IortNamedComponent { Path = "\\_SB.DEV0" };
        var memory = new IortReservedMemory { Flags = 1, Ranges = { new IortMemoryRange { Address = 0x10_0000, Length = 0x1_0000 } } };
        var table = Placed(new IortTable { Nodes = { smmu, component, memory } });
        var firmware = Firmware(table);
        var identity = firmware.Identify("\\_SB.DEV0");
        Assert.Equal([("smmuv3@9050000", 0x40u), ("smmuv3@9050000", 0x41u)], identity.Units.Select(unit => (unit.UnitName, unit.Cells[0])));
        Assert.Equal(
            [new IovaReservation(new Iova(0x10_0000), new Iova(0x10_FFFF), ReservationKind.DirectRelaxable)], identity.Reservations);
        Assert.Same(MasterIdentity.None, firmware.Identify("\\_SB.DEV1"));
    }

    /// <summary>Gives the nodes their places, and those with ids streams 0x40 and 0x41 of the first node.</summary>
    private static IortTable Placed(IortTable table)
    {
        table.NodeOffset = 0x30;
        table.NodeCount = (uint)table.Nodes.Count;
        foreach (var node in table.Nodes.Skip(1))
        {
            node.Mappings.Add(new IortIdMapping { Count = 1, OutputBase = 0x40, OutputReference = 0x30 });
            node.MappingOffset = node is IortReservedMemory ? 28u : 48u;
        }

        foreach (var memory in table.Nodes.OfType<IortReservedMemory>())
            memory.RangeOffset = 48;
        return table;
    }

    private static AcpiFirmware Firmware(AcpiTable table) => new(AcpiTableSet.Parse(table.ToBytes()));
}
