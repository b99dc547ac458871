using System.Globalization;
using Aperture.Acpi;
using Aperture.Acpi.Iort;
using Aperture.Acpi.Mcfg;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.DeviceTrees;
using Aperture.Firmware;
using Aperture.Iommu;

namespace Aperture.Boards.Acpi;

/// <summary>Writes the tree of a board that ACPI tables describe.</summary>
internal sealed class AcpiBoardWriter
{
    private const ulong UnitBytes = 0x2_0000; // both pages of 64 KiB of an SMMUv3
    private const ulong WindowBytes = 0x1000_0000;
    private const ulong FrameBytes = 0x1_0000;
    private const ulong FirstFrame = 0x0800_0000; // chosen places: controllers from here on, windows behind
    private const ulong FirstWindow = 0x1000_0000;
    private const ulong FirstEcam = 0x40_1000_0000;
    private const uint SharedInterrupts = 32; // the first of them: the numbers before are a processor's own
    private const uint Messages = 128;
    private const uint Controller = 1; // phandles
    private const uint Frame = 2;
    private const uint FirstUnit = 16;

    private readonly AcpiFirmware _acpi;
    private readonly AcpiTableSet _tables;
    private readonly IortNode[] _units;
    private readonly List<MemoryRange> _taken = [];
    private readonly Dictionary<string, object> _masters = []; // by node's path
    private readonly DeviceTreeWriter _writer = new();

    public AcpiBoardWriter(AcpiTableSet tables, AcpiFirmware acpi, IortNode[] units)
    {
        (_tables, _acpi, _units) = (tables, acpi, units);
        foreach (var unit in units)
            Take("the unit's registers", unit, AddressOf(unit), unit is IortSmmu { Span: > 0 } old ? old.Span : UnitBytes);
        foreach (var space in Spaces.Where(space => space.Start <= ulong.MaxValue - (space.Length - 1)))
            _taken.Add(new MemoryRange(new PhysicalAddress(space.Start), space.Length));
        foreach (var (memory, range) in Reserved)
            Take("reserved memory", memory, range.Address, range.Length);
    }

    private IEnumerable<IortNode> Nodes => _tables.Tables.OfType<IortTable>().SelectMany(table => table.Nodes);

    private IEnumerable<McfgAllocation> Spaces =>
        _tables.Tables.OfType<McfgTable>().SelectMany(table => table.Allocations).Where(space => space.Length > 0);

    private IEnumerable<(IortReservedMemory Memory, IortMemoryRange Range)> Reserved => Nodes.OfType<IortReservedMemory>()
        .SelectMany(memory => memory.Ranges.Where(range => range.Length > 0).Select(range => (memory, range)));

    /// <summary>The tree.</summary>
    public DeviceTree Write()
    {
        _writer.BeginNode("").Strings("compatible", "aperture,acpi").Strings("model", $"{_tables.Tables[0].Oem} (ACPI)")
            .Cells("#address-cells", 2).Cells("#size-cells", 2).Cells("interrupt-parent", Controller);
        WriteReserved();
        var controller = Free(FrameBytes, FirstFrame);
        _writer.BeginNode($"interrupt-controller@{controller:x}").Strings("compatible", "arm,gic-v3").Wide("reg", controller, FrameBytes)
            .Property("interrupt-controller").Cells("#interrupt-cells", 3).Cells("phandle", Controller).EndNode();
        var frame = Free(FrameBytes, FirstFrame);
        _writer.BeginNode($"v2m@{frame:x}").Strings("compatible", "arm,gic-v2m-frame").Wide("reg", frame, FrameBytes)
            .Property("msi-controller").Cells("arm,msi-base-spi", FreeInterrupts()).Cells("arm,msi-num-spis", Messages)
            .Cells("phandle", Frame).EndNode();
        for (var i = 0; i < _units.Length; i++)
            WriteUnit(_units[i], FirstUnit + (uint)i);
        foreach (var segment in Nodes.OfType<IortRootComplex>().Where(complex => complex.Segment <= ushort.MaxValue)
            .GroupBy(complex => complex.Segment))
            WriteHosts([.. segment]);
        foreach (var component in Nodes.OfType<IortNamedComponent>().DistinctBy(component => component.Path))
            WriteComponent(component);
        return DeviceTree.Parse(_writer.EndNode().ToArray());
    }

    /// <summary>Who is behind which unit, in that tree's nodes.</summary>
    public AcpiBoardFirmware FirmwareOf(DeviceTree tree) => new(
        _acpi,
        _units.Select((unit, i) => (unit, i))
            .ToDictionary(pair => (AcpiNode)pair.unit, pair => tree.FindByPhandle(FirstUnit + (uint)pair.i)!),
        _masters.ToDictionary(pair => tree.Find(pair.Key)!, pair => pair.Value));

    private void WriteReserved()
    {
        var ranges = MemoryRange.Join(
            [.. Reserved.Select(memory => new MemoryRange(new PhysicalAddress(memory.Range.Address), memory.Range.Length))]);
        if (ranges.Length == 0)
            return;
        _writer.BeginNode("reserved-memory").Cells("#address-cells", 2).Cells("#size-cells", 2).Property("ranges");
        foreach (var range in ranges)
            _writer.BeginNode($"rmr@{range.Start.Value:x}").Wide("reg", range.Start.Value, range.Length).EndNode();
        _writer.EndNode();
    }

    private void WriteUnit(IortNode node, uint phandle)
    {
        var address = AddressOf(node);
        _writer.BeginNode($"iommu@{address:x}");
        if (node is IortSmmuV3 unit)
        {
            (string Name, uint Number)[] interrupts =
            [
                .. new[]
                {
                    ("eventq", unit.EventInterrupt), ("gerror", unit.ErrorInterrupt), ("priq", unit.PriInterrupt),
                    ("cmdq-sync", unit.SyncInterrupt),
                }.Where(line => line.Item2 != 0),
            ];
            _writer.Strings("compatible", "arm,smmu-v3").Wide("reg", address, UnitBytes)
                .Cells("interrupts", [.. interrupts.SelectMany(line => Specifier(line.Number))])
                .Strings("interrupt-names", [.. interrupts.Select(line => line.Name)]);
            if ((unit.Flags & 1) != 0)
                _writer.Property("dma-coherent");
        }
        else
        {
            _writer.Strings("compatible", "arm,smmu-v2").Wide("reg", address, ((IortSmmu)node).Span is > 0 and var span ? span : UnitBytes);
        }

        _writer.Cells("#iommu-cells", 1).Cells("phandle", phandle).EndNode();
    }

    /// <summary>The hosts of a segment: one for each range of buses in MCFG, or one for all where there is none.</summary>
    private void WriteHosts(IortRootComplex[] complexes)
    {
        var segment = (ushort)complexes[0].Segment;
        (ulong Start, byte First, byte Last)[] spaces =
            [.. Spaces.Where(space => space.Segment == segment).Select(space => (space.Start, space.FirstBus, space.LastBus))];
        if (spaces.Length == 0)
            spaces = [(Free(256 * (ulong)McfgAllocation.BusBytes, FirstEcam), 0, byte.MaxValue)];
        foreach (var (start, first, last) in spaces)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"pcie@{start:x}");
            var window = Free(WindowBytes, FirstWindow);
            _masters.Add($"/{name}", new AcpiPciSegment(segment));
            _writer.BeginNode(name).Strings("compatible", "pci-host-ecam-generic").Strings("device_type", "pci")
                .Wide("reg", start, (ulong)(last - first + 1) * McfgAllocation.BusBytes).Cells("bus-range", first, last)
                .Cells("linux,pci-domain", segment).Cells("#address-cells", 3).Cells("#size-cells", 2)
                .Cells("ranges", 0x0200_0000, (uint)(window >> 32), (uint)window, (uint)(window >> 32), (uint)window, 0, (uint)WindowBytes)
                .Cells("msi-parent", Frame);
            if (Map(segment, first, last) is { Length: > 0 } map)
                _writer.Cells("iommu-map", map);
            if (complexes.Any(complex => (complex.AtsAttribute & 1) != 0))
                _writer.Property("ats-supported");
            if (complexes.All(complex => (complex.MemoryProperties & 1) != 0))
                _writer.Property("dma-coherent");
            _writer.EndNode();
        }
    }

    /// <summary>Which ids of some buses go where, by what the tables say of each.</summary>
    private uint[] Map(ushort segment, byte firstBus, byte lastBus)
    {
        var map = new List<uint>();
        var host = new AcpiPciSegment(segment);
        uint first = 0, count = 0;
        IommuSpecifier? run = null;
        for (var id = (uint)firstBus << 8; id <= ((uint)lastBus << 8 | byte.MaxValue); id++)
        {
            // One unit: what goes to a second one a map has no way to say.
            var unit = _acpi.Identify(host, id).Units is [var found, ..] ? found : default(IommuSpecifier?);
            if (run is { } going && unit?.Unit == going.Unit && unit?.Cells[0] == going.Cells[0] + count)
            {
                count++;
                continue;
            }

            End();
            (run, first, count) = (unit, id, 1);
        }

        End();
        return [.. map];

        void End()
        {
            if (run is { } ended)
                map.AddRange([first, PhandleOf(ended), ended.Cells[0], count]);
        }
    }

    private void WriteComponent(IortNamedComponent component)
    {
        var units = _acpi.Identify(component.Path).Units;
        if (units.Count == 0)
            return; // its ids go to interrupts alone
        var name = component.Path.Split('.', '\\')[^1].Trim('_').ToLowerInvariant();
        name = new string([.. name.Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '-')]);
        name = name.Length == 0 || _masters.ContainsKey($"/{name}") || name is "iommu" or "pcie"
            ? string.Create(CultureInfo.InvariantCulture, $"{name}-{component.Offset:x}") : name;
        _masters.Add($"/{name}", component.Path);
        _writer.BeginNode(name).Strings("compatible", "aperture,dma-master").Strings("label", component.Path)
            .Cells("iommus", [.. units.SelectMany(unit => new[] { PhandleOf(unit), unit.Cells[0] })]);
        if ((component.Flags & 1) != 0)
            _writer.Property("dma-can-stall");
        if ((component.Flags >> 1 & 31) is > 0 and var bits)
            _writer.Cells("pasid-num-bits", Math.Min(bits, (uint)Pasid.MaxBits));
        if ((component.MemoryProperties & 1) != 0)
            _writer.Property("dma-coherent");
        _writer.EndNode();
    }

    private uint PhandleOf(IommuSpecifier unit) => FirstUnit + (uint)Array.IndexOf(_units, unit.Unit);

    private static uint[] Specifier(uint number) => number < SharedInterrupts ? [1, number & 15, 1] : [0, number - SharedInterrupts, 1];

    /// <summary>The first of numbers for messages that no unit has.</summary>
    private uint FreeInterrupts()
    {
        var used = _units.OfType<IortSmmuV3>()
            .SelectMany(unit => new[] { unit.EventInterrupt, unit.ErrorInterrupt, unit.PriInterrupt, unit.SyncInterrupt }).ToArray();
        var first = 2 * SharedInterrupts;
        while (used.Any(number => number >= first && number - first < Messages))
            first += Messages;
        return first;
    }

    private static ulong AddressOf(IortNode unit) => unit is IortSmmuV3 v3 ? v3.Address : ((IortSmmu)unit).Address;

    private void Take(string what, IortNode node, ulong start, ulong length)
    {
        if (length - 1 > ulong.MaxValue - start)
            throw new ApertureException(
                Status.InvalidArgument, $"IORT at offset 0x{node.Offset:x}: {what} of 0x{length:x} bytes at 0x{start:x} goes beyond 2^64");
        _taken.Add(new MemoryRange(new PhysicalAddress(start), length));
    }

    /// <summary>Takes a free multiple of a size from an address on.</summary>
    /// <exception cref="ApertureException">The tables leave none.</exception>
    private ulong Free(ulong size, ulong start)
    {
        for (var at = (start + size - 1) / size * size; ;)
        {
            var range = new MemoryRange(new PhysicalAddress(at), size);
            var taken = _taken.FindIndex(range.Overlaps);
            if (taken < 0)
            {
                _taken.Add(range);
                return at;
            }

            var last = _taken[taken].Last.Value;
            if (last >= ulong.MaxValue - (2 * size))
            {
                throw new ApertureException(
                    Status.InvalidArgument,
                    $"the tables leave no 0x{size:x} bytes of addresses from 0x{start:x} on: {_taken[taken]} is taken");
            }

            at = (last / size + 1) * size;
        }
    }
}
