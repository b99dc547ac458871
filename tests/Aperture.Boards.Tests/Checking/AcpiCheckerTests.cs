using Aperture.Acpi;
using Aperture.Acpi.Dmar;
using Aperture.Acpi.Iort;
using Aperture.Acpi.Ivrs;
using Aperture.Acpi.Mcfg;
using Aperture.Acpi.Rimt;
using Aperture.Acpi.Viot;
using Aperture.Boards.Checking;
using Aperture.Boards.Checking.Acpi;

namespace Aperture.Boards.Tests.Checking;

/// <summary>Tables that are right give no finding; each kind of defect gives its own at its own node.</summary>
public class AcpiCheckerTests
{
    public static TheoryData<string> Defects => [.. s_defects.Keys];

    private static readonly Dictionary<string, (Func<AcpiTable> Make, string Code, FindingSeverity Severity,
        string Message)> s_defects = new()
        {
            ["the unit for all is not last"] = (
            () => Dmar(new DmarUnit { Address = 0x1000, Flags = 1 }, Unit(0x2000, 3)), AcpiFindingCode.Order, FindingSeverity.Error,
            "not the last one of segment 0"),
            ["two units for all"] = (
            () => Dmar(new DmarUnit { Address = 0x1000, Flags = 1 }, new DmarUnit { Address = 0x2000, Flags = 1 }), AcpiFindingCode.Order,
            FindingSeverity.Error, "two units of segment 0"),
            ["the same registers twice"] = (
            () => Dmar(Unit(0x1000, 3), Unit(0x1000, 4)), AcpiFindingCode.Registers, FindingSeverity.Error,
                "those of the unit at offset 0x30"),
            ["no registers"] = (() => Dmar(Unit(0, 3)), AcpiFindingCode.Registers, FindingSeverity.Error, "its address is 0"),
            ["no unit at all"] = (() => Dmar(), AcpiFindingCode.Count, FindingSeverity.Error, "there is no unit"),
            ["a unit for nobody"] = (
            () => Dmar(new DmarUnit { Address = 0x1000 }), AcpiFindingCode.LeftOut, FindingSeverity.Error, "names no device"),
            ["half a step"] = (
            () => Dmar(new DmarUnit { Address = 0x1000, Scopes = { new DmarScope { Type = 1, Path = [1, 0, 2] } } }), AcpiFindingCode.Ids,
            FindingSeverity.Error, "a path of 3 bytes"),
            ["device 32"] = (() => Dmar(Unit(0x1000, 32)), AcpiFindingCode.Ids, FindingSeverity.Error, "no device 0x20"),
            ["a named device that is nowhere"] = (
            () => Dmar(new DmarUnit { Address = 0x1000, Scopes = { new DmarScope { Type = 5, EnumerationId = 7, Path = [1, 0] } } }),
            AcpiFindingCode.Reference, FindingSeverity.Error, "named device 7"),
            ["memory backwards"] = (
            () => Dmar(Unit(0x1000, 3), Memory(0x8000, 0x7FFF)), AcpiFindingCode.Reserved, FindingSeverity.Error, "backwards, or nothing"),
            ["half a page"] = (
            () => Dmar(Unit(0x1000, 3), Memory(0x8000, 0x87FF)), AcpiFindingCode.Reserved, FindingSeverity.Error, "no multiple of 0x1000"),
            ["memory over other memory"] = (
            () => Dmar(Unit(0x1000, 3), Memory(0x8000, 0x9FFF), Memory(0x9000, 0xAFFF)), AcpiFindingCode.Reserved, FindingSeverity.Warning,
            "overlaps that from 0x8000 to 0x9fff of DMAR+0x48"),
            ["the domain of no unit"] = (
            () => Dmar(Unit(0x1000, 3), new DmarAffinity { Address = 0x5000 }), AcpiFindingCode.Reference, FindingSeverity.Error, "0x5000"),
            ["a range that never ends"] = (
            () => Ivrs((IvrsDeviceEntry.RangeStart, 8)), AcpiFindingCode.Ids, FindingSeverity.Error, "the range from 0x8 never ends"),
            ["a range that never began"] = (
            () => Ivrs((IvrsDeviceEntry.RangeEnd, 8)), AcpiFindingCode.Ids, FindingSeverity.Error, "ends at 0x8 that never began"),
            ["a range backwards"] = (
            () => Ivrs((IvrsDeviceEntry.RangeStart, 8), (IvrsDeviceEntry.RangeEnd, 7)), AcpiFindingCode.Ids, FindingSeverity.Error,
            "from 0x8 to 0x7"),
            ["a device twice"] = (
            () => Ivrs((IvrsDeviceEntry.RangeStart, 8), (IvrsDeviceEntry.RangeEnd, 16), (IvrsDeviceEntry.Select, 16)), AcpiFindingCode.Ids,
            FindingSeverity.Error, "from 0x10 to 0x10 are mapped twice"),
            ["ids to no node"] = (
            () => Iort(new IortIdMapping { Count = 0xFFFF, OutputReference = 0x31 }), AcpiFindingCode.Reference, FindingSeverity.Error,
            "offset 0x31, where no node begins"),
            ["ids to themselves"] = (
            () => Iort(new IortIdMapping { Count = 0xFFFF, OutputReference = 0x74 }), AcpiFindingCode.Reference, FindingSeverity.Error,
            "of type 2, which takes none from here"),
            ["ids twice"] = (
            () => Iort(Ids(0, 0xFFFF), Ids(0x10, 0x1F)), AcpiFindingCode.Ids, FindingSeverity.Error, "from 0x10 to 0x1f are mapped twice"),
            ["one id too many"] = (
            () => Iort(Ids(0, 0x100), Ids(0x100, 0xFFFF)), AcpiFindingCode.Ids, FindingSeverity.Warning, "id 0x100 is mapped twice"),
            ["ids left out"] = (
            () => Iort(Ids(0, 0xFF), Ids(0x200, 0xFFFF)), AcpiFindingCode.LeftOut, FindingSeverity.Info, "ids from 0x100 to 0x1ff"),
            ["more nodes than there are"] = (
            () =>
            {
                var table = Iort(Ids(0, 0xFFFF));
                table.NodeCount++;
                return table;
            },
            AcpiFindingCode.Count, FindingSeverity.Error, "says that it has 3 nodes, and has 2"),
            ["a unit of virtio that is none"] = (
            () => new ViotTable { NodeCount = 1, NodeOffset = 48, Nodes = { new ViotPciRange { LastFunction = 0xFF, OutputNode = 0x48 } } },
            AcpiFindingCode.Reference, FindingSeverity.Error, "offset 0x48, where none begins"),
            ["ids of RISC-V to no unit"] = (
            () => new RimtTable
            {
                NodeCount = 1,
                NodeOffset = 48,
                Nodes =
                {
                    new RimtPlatformDevice
                    {
                        Path = "A", MappingOffset = 14, Mappings = { new RimtIdMapping { Count = 1, DestinationOffset = 0x99 } },
                    },
                },
            },
            AcpiFindingCode.Reference, FindingSeverity.Error, "offset 0x99, where no unit begins"),
        };

    [Theory]
    [MemberData(nameof(Defects))]
    public void A_defect_is_found_once_with_its_code(string defect)
    {
        var (make, code, severity, message) = s_defects[defect];
        var findings = AcpiChecker.Check(AcpiTableSet.Parse(make().ToBytes()));
        var finding = Assert.Single(findings, finding => finding.Code == code && finding.Message.Contains(message,
            StringComparison.Ordinal));
        Assert.Equal(severity, finding.Severity);
        Assert.All(findings.Where(other => other != finding), other => Assert.True(
            other.Severity == FindingSeverity.Info || other.Code == code, other.ToString()));
    }

    [Fact]
    public void Tables_that_are_right_have_no_finding()
    {
        Assert.Empty(Findings(Dmar(Unit(0x1000, 3), new DmarUnit { Address = 0x2000, Flags = 1 }, Memory(0x8000, 0x8FFF))));
        Assert.Empty(Findings(Ivrs((IvrsDeviceEntry.RangeStart, 8), (IvrsDeviceEntry.RangeEnd, 0xFFFF))));
        Assert.Empty(Findings(Iort(Ids(0, 0xFFFF))));
    }

    [Fact]
    public void A_wrong_checksum_and_a_second_table_are_errors()
    {
        var bytes = Iort(Ids(0, 0xFFFF)).ToBytes();
        var twice = AcpiChecker.Check(AcpiTableSet.Parse((byte[])[.. bytes, .. bytes]));
        Assert.Contains("2 tables of this name", Assert.Single(twice).Message, StringComparison.Ordinal);
        bytes[9] ^= 1;
        var finding = Assert.Single(AcpiChecker.Check(AcpiTableSet.Parse(bytes)));
        Assert.Equal((AcpiFindingCode.Checksum, FindingSeverity.Error, "IORT"), (finding.Code, finding.Severity, finding.Node));
    }

    [Theory]
    [InlineData(0xB000_0000ul, 0, 0x40, 0x3F, AcpiFindingCode.Ids, "from 0x40 to 0x3f")]
    [InlineData(0xB000_1000ul, 0, 0, 0x3F, AcpiFindingCode.Registers, "0xb0001000, which cannot be")]
    [InlineData(0ul, 0, 0, 0x3F, AcpiFindingCode.Registers, "at 0x0, which cannot be")]
    [InlineData(0xFFFF_FFFF_FFF0_0000ul, 0, 0, 1, AcpiFindingCode.Registers, "which cannot be")]
    [InlineData(0xC000_0000ul, 1, 0x10, 0x10, AcpiFindingCode.Ids, "buses 0x10 to 0x10 of segment 1 are described twice")]
    [InlineData(0x5000_0000ul, 0, 0, 0x0F, AcpiFindingCode.Registers, "at 0x50000000 overlaps that of segment 1 at 0x50000000")]
    [InlineData(0xB000_0000ul, 2, 0, 0, AcpiFindingCode.Reference, "no configuration space of segment 0")]
    public void Configuration_space_is_where_it_can_be(ulong address, int segment, int first, int last, string code, string message)
    {
        var finding = Assert.Single(OfConfigurationSpace(address, segment, first, last),
            finding => segment != 1 || finding.Code != AcpiFindingCode.Reference);
        Assert.Equal(code, finding.Code);
        Assert.Contains(message, finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Configuration_spaces_may_follow_each_other() => Assert.Empty(OfConfigurationSpace(0x4FF0_0000, 0, 0, 0));

    private static IEnumerable<Finding> OfConfigurationSpace(ulong address, int segment, int first, int last)
    {
        var table = new McfgTable
        {
            Allocations =
            {
                new McfgAllocation { Address = 0x5000_0000, Segment = 1, LastBus = 0x10 },
                new McfgAllocation { Address = address, Segment = (ushort)segment, FirstBus = (byte)first, LastBus = (byte)last },
            },
        };
        byte[] iort = Iort(Ids(0, 0xFFFF)).ToBytes();
        return AcpiChecker.Check(AcpiTableSet.Parse((byte[])[.. table.ToBytes(), .. iort]))
            .Where(finding => finding.Node == McfgTable.Name);
    }

    private static IReadOnlyList<Finding> Findings(AcpiTable table) => AcpiChecker.Check(AcpiTableSet.Parse(table.ToBytes()));

    private static DmarTable Dmar(params ReadOnlySpan<DmarNode> nodes)
    {
        var table = new DmarTable();
        foreach (var node in nodes)
            table.Nodes.Add(node);
        return table;
    }

    private static DmarUnit Unit(ulong address, byte device) => new()
    {
        Address = address,
        Scopes = { new DmarScope { Type = DmarScope.Endpoint, Path = [device, 0] } },
    };

    private static DmarReservedMemory Memory(ulong first, ulong last) => new()
    {
        First = first,
        Last = last,
        Scopes = { new DmarScope { Type = DmarScope.Endpoint, Path = [3, 0] } },
    };

    private static IvrsTable Ivrs(params ReadOnlySpan<(byte Type, int Id)> entries)
    {
        var unit = new IvrsUnit { Type = IvrsUnit.Basic, DeviceId = 2, Address = 0x1000 };
        foreach (var (type, id) in entries)
            unit.Devices.Add(new IvrsDeviceEntry { Type = type, DeviceId = (ushort)id });
        return new IvrsTable { Nodes = { unit } };
    }

    private static IortIdMapping Ids(uint first, uint last) => new()
    {
        InputBase = first,
        Count = last - first,
        OutputBase = first,
        OutputReference = 0x30,
    };

    private static IortTable Iort(params ReadOnlySpan<IortIdMapping> mappings)
    {
        var complex = new IortRootComplex { MappingOffset = 36 };
        foreach (var mapping in mappings)
            complex.Mappings.Add(mapping);
        return new IortTable
        {
            NodeCount = 2,
            NodeOffset = 0x30,
            Nodes = { new IortSmmuV3 { Address = 0x1000, DeviceIdMapping = 0 }, complex },
        };
    }
}
