using Aperture.Boards.Checking;
using Aperture.Boards.Running;
using Aperture.Boards.Tests.Checking;
using Aperture.Boards.Units;
using Aperture.Core;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Tests.Trees;

/// <summary>Kinds of wiring defects, planted into every board at hand wherever it has what the defect needs: each is found with its code at
/// its node, however the board was compiled, and without a defect no board gets an error.</summary>
public class PlantedDefectTests(Xunit.Abstractions.ITestOutputHelper output)
{
    private const uint Nobody = 0xFACE; // a phandle that no node has

    // A defect: its name, what finds it, and how it is planted: null where the board has no place for it, else the tree and the node's
    // path.
    private static readonly (string Name, string[] Codes, Func<Board, (TreeEdit Edit, string Node)?> Plant)[] s_defects =
    [
        // references to units
        ("iommus leads nowhere", ["phandle"], b => At(b.Master, m => b.Edit.Cells(m, "iommus", Nobody))),
        ("iommus is empty", ["cells"], b => At(b.Master, m => b.Edit.Cells(m, "iommus"))),
        ("iommus begins with zero", ["cells"], b => At(b.Master, m => b.Edit.Cells(m, "iommus", 0))),
        ("iommus leads to something else", ["iommu-cells", "phandle"], b => At(b.Master, m => b.Edit.Cells(m, "iommus", b.Other))),
        ("iommus is no whole number of cells", ["cells"], b => At(b.Master, m => b.Edit.Set(m, "iommus", [0, 0, 0, 1, 0, 2]))),
        ("iommus has an argument too "
            + "many", ["cells", "phandle"], b => At(b.Master, m => b.Edit.Cells(m, "iommus", [.. Cells(m, "iommus"), 0]))),
        ("iommus has an argument too few", ["cells"], b => At(b.MasterWithId, m => b.Edit.Cells(m, "iommus", Cells(m, "iommus")[..^1]))),
        ("iommus lists an id twice", ["id-duplicate"],
            b => At(b.Master, m => b.Edit.Cells(m, "iommus", [.. Cells(m, "iommus"), .. Cells(m, "iommus")]))),
        ("two masters share what is "
            + "one's", ["id-duplicate"], b => b.Masters.Length < 2 || b.Masters[1].Iommus()[0].Arguments.Length > 0 ? null
            : (b.Edit.Cells(b.Masters[1], "iommus", Cells(b.Masters[0], "iommus")), b.Masters[1].Path)),
        ("an id beyond the "
            + "unit", ["id-range"], b => At(b.MasterWithId, m => b.Edit.Cells(m, "iommus", Cells(m, "iommus")[0], 0x7FFF_FFFF))),
        ("iommus is called iommu", ["names"], b => At(b.Master, m => b.Edit.Rename(m, "iommus", "iommu"))),
        ("iommus is called iomus", ["names"], b => At(b.Master, m => b.Edit.Rename(m, "iommus", "iomus"))),
        ("iommu-names is longer than iommus", ["names"],
            b => At(b.Master, m => b.Edit.Text(m, "iommu-names", [.. Enumerable.Range(0, m.Iommus().Length + 1).Select(i => $"n{i}")]))),
        // units
        ("a unit without cells", ["iommu-cells"], b => At(b.Unit, u => b.Edit.Without(u, "#iommu-cells"))),
        ("cells of another size", ["iommu-cells"], b => At(b.Unit, u => b.Edit.Set(u, "#iommu-cells", [0, 0]))),
        ("one cell too many", ["cells"], b => At(b.Unit, u => b.Edit.Cells(u, "#iommu-cells", u.U32("#iommu-cells")!.Value + 1))),
        ("sixteen cells too many", ["cells"], b => At(b.Unit, u => b.Edit.Cells(u, "#iommu-cells", 17))),
        ("cells misspelt", ["iommu-cells"], b => At(b.Unit, u => b.Edit.Rename(u, "#iommu-cells", "#iomu-cells"))),
        ("a unit of no known kind", ["unknown-unit"], b => At(b.Unit, u => b.Edit.Text(u, "compatible", "acme,mmu"))),
        ("a unit that is off", ["disabled"], b => At(b.Master is null ? null : b.Unit, u => b.Edit.Text(u, "status", "disabled"))),
        ("a unit that is firmware's", ["disabled"], b => At(b.Master is null ? null : b.Unit, u => b.Edit.Text(u, "status", "reserved"))),
        ("a unit without masters", ["forgotten"], b => b.Masters.Length == 0 ? null
            : (b.Tree.Devices().Where(node => node.Has("iommu-map")).Aggregate(
                b.Masters.Aggregate(b.Edit, (edit, m) => edit.Without(m, "iommus")), (edit, bus) => edit.Without(bus, "iommu-map")),
                b.Unit!.Path)),
        ("a unit without registers", ["reg"], b => At(b.Unit, u => b.Edit.Without(u, "reg"))),
        ("registers of no size", ["reg"], b => At(b.Unit, u => b.Edit.Cells(u, "reg", [.. Address(u), .. Size(u, 0)]))),
        ("registers of half an entry", ["reg"], b => At(b.Unit, u => b.Edit.Cells(u, "reg", Cells(u, "reg")[..^1]))),
        ("registers that are too few", ["reg"], b => At(b.Unit, u => b.Edit.Cells(u, "reg", [.. Address(u), .. Size(u, 8)]))),
        ("registers that are too "
            + "many", ["reg"], b => At(b.Unit, u => b.Edit.Cells(u, "reg", [.. Address(u), .. Size(u, 0x0800_0000)]))),
        ("registers of a broken word", ["reg"], b => At(b.Unit, u => b.Edit.Cells(u, "reg", [.. Address(u), .. Size(u, 0x1002)]))),
        ("registers that are not where the name says", ["unit-address"],
            b => At(b.Unit, u => u.UnitAddress is null ? null : b.Edit.Cells(u, "reg", [.. Cells(u, "reg")[..Place(u)],
                Cells(u, "reg")[Place(u)] ^ 0x0000_0100, .. Cells(u, "reg")[(Place(u) + 1)..]]))),
        ("registers of another unit", ["reg"], b => b.Units.Length < 2 || b.Units[0].Parent != b.Units[1].Parent ? null
            : (b.Edit.Cells(b.Units[1], "reg", Cells(b.Units[0], "reg")), Later(b.Units[0], b.Units[1]))),
        ("a unit without interrupt", ["supplier"], b => At(b.Unit, u => b.Edit.Without(u, "interrupts").Without(u, "interrupts-extended"))),
        ("interrupts of half an entry", ["cells"],
            b => At(b.Unit, u => !u.Has("interrupts") || u.InterruptParent()?.U32("#interrupt-cells") is null or 1
            ? null : b.Edit.Cells(u, "interrupts", Cells(u, "interrupts")[..^1]))),
        ("interrupts that go nowhere", ["phandle"], b => At(b.Unit, u => !u.Has("interrupts") || u.Has("interrupts-extended")
            ? null : b.Edit.Cells(u, "interrupt-parent", Nobody))),
        ("interrupts misspelt", ["names", "supplier"],
            b => At(b.Unit, u => u.Has("interrupts") ? b.Edit.Rename(u, "interrupts", "interupts") : null)),
        ("a phandle that two have", ["phandle"], b => At(b.Unit, u => b.Edit.Cells(b.Tree.Root, "phandle", u.Phandle!.Value))),
        ("a bus without ranges", ["reg"], b => At(b.Unit, u => u.Parent is not { Parent: not null } bus || !bus.Has("ranges")
            ? null : b.Edit.Without(bus, "ranges"))),
        ("a unit in a module of no bus", ["bus", "reg"], b => At(b.Unit, u => u.Parent is not { Parent: not null } bus
            ? null : b.Edit.Without(bus, "ranges").Text(bus, "compatible", "acme,none"))),
        // suppliers
        ("a clock that leads nowhere", ["supplier"], b => At(b.Unit, u => b.Edit.Cells(u, "clocks", Nobody))),
        ("a reset that leads nowhere", ["supplier"], b => At(b.Unit, u => b.Edit.Cells(u, "resets", Nobody))),
        ("a power domain that leads nowhere", ["supplier"], b => At(b.Unit, u => b.Edit.Cells(u, "power-domains", Nobody))),
        ("a memory region that leads nowhere", ["supplier"], b => At(b.Master, m => b.Edit.Cells(m, "memory-region", Nobody))),
        ("a memory region that is none", ["supplier"], b => At(b.Master, m => b.Edit.Cells(m, "memory-region", b.Other))),
        ("a power domain that provides nothing", ["supplier"], b => At(b.Unit, u => b.Edit.Cells(u, "power-domains", u.Phandle!.Value))),
        ("a clock that provides nothing", ["supplier"], b => At(b.Master, m => b.Edit.Cells(m, "clocks", b.Unit!.Phandle!.Value))),
        ("a clock of too few "
            + "arguments", ["cells", "names"], b => At(b.WithClocks, n => b.Edit.Cells(n, "clocks", Cells(n, "clocks")[..^1]))),
        ("clocks of six bytes", ["cells"], b => At(b.Master, m => b.Edit.Set(m, "clocks", [0, 0, 0, 1, 0, 2]))),
        ("a supplier that is off", ["supplier"], b => At(b.WithClocks, n => n.Clocks()[0].Target is not { IsPresent: true } clock
            ? null : b.Edit.Text(clock, "status", "disabled"))),
        ("a unit that its own master powers", ["cycle"], b => b.Master is null ? null
            : (b.Edit.Cells(b.Master, "#power-domain-cells", 0).Cells(b.Master, "phandle", b.Master.Phandle ?? Nobody)
                .Cells(b.Unit!, "power-domains", b.Master.Phandle ?? Nobody), Earlier(b.Master, b.Unit!))),
        ("a unit inside its own domain", ["cycle"], b => At(b.Unit, u =>
            b.Edit.Cells(u, "#power-domain-cells", 0).Cells(u, "power-domains", u.Phandle!.Value))),
        // names
        ("clock-names of one too "
            + "many", ["names"], b => At(b.WithNames, n => b.Edit.Text(n, "clock-names", [.. Strings(n, "clock-names"), "more"]))),
        ("clock-names of one too few", ["names"], b => At(b.WithNames, n => Strings(n, "clock-names").Length < 2 ? null
            : b.Edit.Text(n, "clock-names", Strings(n, "clock-names")[..^1]))),
        ("clock-names misspelt", ["names"], b => At(b.WithNames, n => b.Edit.Rename(n, "clock-names", "clock-name"))),
        ("clocks misspelt", ["names"], b => At(b.WithNames, n => b.Edit.Rename(n, "clocks", "clock"))),
        ("a needed clock misspelt", ["names"],
            b => At(b.WithNeeds, u => b.Edit.Text(u, "clock-names", [.. Strings(u, "clock-names").Select(n => n[1..])]))),
        ("no clocks where some are needed", ["names"], b => At(b.WithNeeds, u => b.Edit.Without(u, "clocks").Without(u, "clock-names"))),
        ("reset-names of no resets", ["names"], b => At(b.Unit, u => u.Has("resets") ? null : b.Edit.Text(u, "reset-names", "a"))),
        ("power-domains misspelt", ["names"], b => At(b.Unit, u => b.Edit.Without(u, "power-domains").Cells(u, "power-domain", 1))),
        ("memory-region misspelt", ["names"], b => At(b.Master, m => b.Edit.Without(m, "memory-region").Cells(m, "memory-regions", 1))),
        // maps
        ("a map of no whole entry", ["iommu-map"], b => b.Host(b.Map(0, 1)[..^1])),
        ("an empty map", ["iommu-map"], b => b.Host([])),
        ("a map that leads nowhere", ["iommu-map"], b => b.Host([0, Nobody, 0, 1])),
        ("a map that leads to something else", ["iommu-map"], b => b.Host([0, b.Other, 0, 1])),
        ("a map that overlaps itself", ["iommu-map"], b => b.Host([.. b.Map(0, 16), .. b.Map(8, 16)])),
        ("a map that its mask hides", ["iommu-map"], b => b.Host(b.Map(0x100, 1), ("iommu-map-mask", TreeEdit.Bytes(0xFFu)))),
        ("a mask without a map", ["iommu-map"], b => b.Host(null, ("iommu-map-mask", TreeEdit.Bytes(0xFFu)))),
        ("a mask of two cells", ["iommu-map"], b => b.Host(b.Map(0, 1), ("iommu-map-mask", TreeEdit.Bytes(0u, 0xFFu)))),
        ("a map of no ids", ["iommu-map"], b => b.Host(b.Map(0, 0))),
        ("buses that a mask folds", ["iommu-map"], b => b.Host(b.Map(0, 0x100), ("iommu-map-mask", TreeEdit.Bytes(0xFFu)),
            ("bus-range", TreeEdit.Bytes(0u, 3u)), ("device_type", TreeEdit.Bytes("pci")))),
        ("a bus that the map leaves out", ["forgotten"], b => b.Host(b.Map(0, 0x100), ("bus-range", TreeEdit.Bytes(0u, 3u)),
            ("device_type", TreeEdit.Bytes("pci")))),
        // memory
        ("a region of no size", ["reserved"], b => b.Region([("reg", b.Wide(0x1000, 0))])),
        ("a region without place and size", ["reserved"], b => b.Region([])),
        ("a region of half an entry", ["reserved"], b => b.Region([("reg", TreeEdit.Bytes(1u))])),
        ("an odd alignment", ["reserved"], b => b.Region([("size", TreeEdit.Bytes(0x1000u)), ("alignment", TreeEdit.Bytes(0x3000u))])),
        ("a pool outside RAM", ["reserved"], b => !b.HasRam ? null
            : b.Region([("reg", b.Wide(0x1000, 0x1000)), ("compatible", TreeEdit.Bytes("shared-dma-pool"))])),
        ("a pool that is "
            + "both", ["reserved"], b => b.Region([("size", TreeEdit.Bytes(0x1000u)), ("compatible", TreeEdit.Bytes("shared-dma-pool")),
            ("reusable", []), ("no-map", [])])),
        ("addresses that nobody has", ["iommu-addresses"], b => b.Region([("iommu-addresses", TreeEdit.Bytes(Nobody, 0u, 1u))])),
        ("addresses of half an entry", ["iommu-addresses"], b => b.Master is null ? null
            : b.Region([("iommu-addresses", TreeEdit.Bytes(b.Other))])),
        ("registers of a unit in RAM", ["reg"], b => At(b.Unit, u => !b.HasRam || u.Parent!.Depth != 0 ? null
            : b.Edit.Cells(u, "reg", [.. AddressOf(u, b.Tree.Memory()[0].Start.Value), .. Size(u, 0x1000)]))),
    ];

    public static TheoryData<string> Boards => BoardFiles.Names(BoardFiles.Own);

    public static TheoryData<string> RealBoards => BoardFiles.Names(BoardFiles.Directory);

    [Fact]
    public void There_are_sixty_kinds_and_more() => Assert.True(s_defects.Length >= 60, $"{s_defects.Length}");

    [DtcTheory]
    [MemberData(nameof(Boards))]
    public void Each_defect_is_found_in_our_boards_however_they_were_compiled(string board)
    {
        Assert.NotEmpty(Dtc.All);
        foreach (var dtc in Dtc.All)
        {
            foreach (var way in dtc.Ways)
                Plant(board, DeviceTree.Parse(dtc.Compile(Path.Combine(BoardFiles.Own, board + ".dts"), way)));
        }
    }

    [BoardTheory]
    [MemberData(nameof(RealBoards))]
    public void Each_defect_is_found_in_real_boards(string board) =>
        Plant(board, DeviceTree.Parse(File.ReadAllBytes(Path.Combine(BoardFiles.Directory!, board + ".dtb"))));

    [Theory]
    [MemberData(nameof(Boards))]
    public void What_does_not_run_has_an_error(string board)
    {
        var tree = DeviceTree.Parse(File.ReadAllBytes(Path.Combine(BoardFiles.Own, board + ".dtb")));
        var contradictions = new List<string>();
        foreach (var (defect, _, plant) in s_defects)
        {
            if (plant(new Board(tree)) is { } place && place.Edit.Build() is var broken && WhyItFails(broken) is { } why
                && BoardChecker.Check(broken).All(finding => finding.Severity != FindingSeverity.Error))
                contradictions.Add($"{defect} at {place.Node}: {why}");
        }

        Assert.True(contradictions.Count == 0, string.Join('\n', contradictions));
    }

    private static string? WhyItFails(DeviceTree tree)
    {
        try
        {
            using var machine = Machine.Boot(tree);
            var test = new SelfTest(machine);
            return UnboundDevices.Find(machine).Values.FirstOrDefault()
                ?? machine.Masters.Select(test.Run).Where(result => !result.IsFine)
                    .Select(result => string.Join("; ", result.Checks.Select(check => check.Result.Reason).Distinct())).FirstOrDefault();
        }
        catch (ApertureException e)
        {
            return e.Message;
        }
    }

    private void Plant(string name, DeviceTree tree)
    {
        Assert.DoesNotContain(BoardChecker.Check(tree), finding => finding.Severity == FindingSeverity.Error);
        var planted = 0;
        var missed = new List<string>();
        foreach (var (defect, codes, plant) in s_defects)
        {
            if (plant(new Board(tree)) is not { } place)
                continue;
            planted++;
            var findings = BoardChecker.Check(place.Edit.Build());
            var all = findings.SelectMany(finding => finding.FollowUps.Prepend(finding)).ToArray();
            if (!all.Any(finding => finding.Node == place.Node && codes.Contains(finding.Code)))
                missed.Add($"{defect} at {place.Node}: {string.Join(" | ", all.Where(f => f.Severity != FindingSeverity.Info).Take(3))}");
        }

        output.WriteLine($"{name}: {planted} of {s_defects.Length} planted");
        Assert.True(missed.Count == 0, string.Join('\n', missed));
        Assert.True(planted > 30, $"{planted}");
    }

    private static (TreeEdit Edit, string Node)? At(DeviceTreeNode? node, Func<DeviceTreeNode, TreeEdit?> edit) =>
        node is not null && edit(node) is { } made ? (made, node.Path) : null;

    private static uint[] Cells(DeviceTreeNode node, string property) => [.. node.Property(property)!.Cells(0, int.MaxValue)];

    private static string[] Strings(DeviceTreeNode node, string property) => [.. node.Property(property)!.Strings()];

    /// <summary>Which cell of reg has the address's low bits.</summary>
    private static int Place(DeviceTreeNode node) => (int)node.Parent!.AddressCells - 1;

    private static uint[] Address(DeviceTreeNode node) => Cells(node, "reg")[..(int)node.Parent!.AddressCells];

    private static uint[] AddressOf(DeviceTreeNode node, ulong address) =>
        node.Parent!.AddressCells == 2 ? [(uint)(address >> 32), (uint)address] : [(uint)address];

    private static uint[] Size(DeviceTreeNode node, uint size) => node.Parent!.SizeCells == 2 ? [0, size] : [size];

    private static string Later(DeviceTreeNode one, DeviceTreeNode other) => one.Offset > other.Offset ? one.Path : other.Path;

    private static string Earlier(DeviceTreeNode one, DeviceTreeNode other) => one.Offset < other.Offset ? one.Path : other.Path;

    /// <summary>What a board has to plant defects in.</summary>
    private sealed class Board
    {
        private readonly DeviceTreeNode _bus;

        public Board(DeviceTree tree)
        {
            Tree = tree;
            Edit = new TreeEdit(tree);
            var devices = tree.Devices().ToHashSet();
            Units = [.. devices.Where(node => UnitList.Default.Has(node) && node.Phandle is not null)];
            // The first unit with masters, and its masters: one that is behind it alone comes first.
            Units = [.. Units.OrderByDescending(unit => devices.Any(node => IsBehind(node, unit)))];
            Masters = [.. devices.Where(node => IsBehind(node, Units.FirstOrDefault())).OrderBy(master => master.Iommus().Length)];
            Other = tree.HardwareNodes().First(node => node is { Phandle: not null, IsPresent: true }
                && !node.Has("#iommu-cells") && !node.Has("iommus") && node.AsReservedMemory is null).Phandle!.Value;
            _bus = tree.Root;
        }

        public DeviceTree Tree { get; }

        public TreeEdit Edit { get; }

        public DeviceTreeNode[] Units { get; }

        public DeviceTreeNode[] Masters { get; }

        public DeviceTreeNode? Unit => Units.FirstOrDefault();

        public DeviceTreeNode? Master => Masters.FirstOrDefault();

        public DeviceTreeNode? MasterWithId => Masters.FirstOrDefault(master => master.Iommus() is [{ Arguments.Length: 1 }, ..]);

        public DeviceTreeNode? WithClocks => Masters.Concat(Units).FirstOrDefault(node =>
            node.Clocks() is [{ IsValid: true, Arguments.Length: > 0 }, ..] && node.Clocks()[^1].Arguments.Length > 0);

        public DeviceTreeNode? WithNames => Units.Concat(Masters).FirstOrDefault(node => node.Has("clock-names") && node.Has("clocks"));

        public DeviceTreeNode? WithNeeds => Units.FirstOrDefault(
            unit => UnitList.Default.TryFind(unit, out _, out var binding) && binding.Clocks.Count > 0 && unit.Has("clock-names"));

        /// <summary>The phandle of a node that is no unit, no master and no region.</summary>
        public uint Other { get; }

        public bool HasRam => Tree.Memory() is { IsEmpty: false } ram && ram.All(range => range.Start.Value > 0x10_0000)
            && Tree.MemoryNodes().All(node => node.Registers().All(block => block.Length > 0));

        private static bool IsBehind(DeviceTreeNode node, DeviceTreeNode? unit) =>
            node.Iommus().Any(reference => reference.Target == unit && unit is not null);

        /// <summary>Entries of a map to the unit.</summary>
        public uint[] Map(uint first, uint count) =>
            [first, Unit!.Phandle!.Value, .. Enumerable.Repeat(1u, (int)Unit.U32("#iommu-cells")!.Value), count];

        /// <summary>A bus with a map; null leaves the map out.</summary>
        public (TreeEdit Edit, string Node)? Host(uint[]? map, params (string Name, byte[] Value)[] more) => Unit is null ? null
            : (Edit.Add(_bus, "planted-bus", [("compatible", TreeEdit.Bytes("acme,bus")),
                .. map is null ? Array.Empty<(string, byte[])>() : [("iommu-map", TreeEdit.Bytes(map))], .. more]), "/planted-bus");

        /// <summary>A region of reserved memory.</summary>
        public (TreeEdit Edit, string Node)? Region((string Name, byte[] Value)[] properties)
        {
            var node = Tree.Root.Child("reserved-memory");
            return node is null ? null : (Edit.Add(node, "planted", properties), "/reserved-memory/planted");
        }

        /// <summary>A reg of a region.</summary>
        public byte[] Wide(uint start, uint size)
        {
            var node = Tree.Root.Child("reserved-memory");
            if (node is null)
                return [];
            uint[] first = node.AddressCells == 2 ? [0, start] : [start];
            uint[] second = node.SizeCells == 2 ? [0, size] : [size];
            return TreeEdit.Bytes([.. first, .. second]);
        }
    }
}
