using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Operations;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma;

/// <summary>The DMA API over a domain of two windows with page sizes of their own.</summary>
public sealed class WindowTests : IDisposable
{
    private const ulong Low = 0x8000_0000;
    private const ulong High = 1UL << 36;
    private const ulong Length = 0x4_0000; // of each window: four pages of 64 KiB
    private readonly FakeMemory _memory = new();
    private readonly FakeMemory _tables = new();
    private readonly RichUnit _unit;
    private readonly Device _device = new("d");

    public WindowTests()
    {
        var core = new IommuCore(_tables);
        _unit = new RichUnit(new Device("u"), _tables) { MakesWindows = Windows };
        core.Register(_unit);
        core.Configure(_device, [new IommuSpecifier(_unit.Device.Key, "u", [1])]);
        DmaAttach.Attach(_device, core, new DmaPlatform(_memory));
        _device.Dma.SetMask(64);
    }

    public void Dispose()
    {
        _memory.Dispose();
        _tables.Dispose();
    }

    [Fact]
    public void Mappings_lie_in_the_windows_and_use_them_up()
    {
        var block = _device.Dma.Memory.Allocate(0x1000);
        var mappings = new List<DmaMapping>();
        while (_device.Dma.TryMap(block, DmaDirection.ToDevice, out var mapping) == Status.Ok)
            mappings.Add(mapping);
        var expected = Enumerable.Range(0, 4).SelectMany(i => new[] { Low + ((ulong)i << 16), High + ((ulong)i << 16) });
        Assert.Equal(expected.Order(), mappings.Select(mapping => mapping.Address.Value & ~0xFFFFul).Order());
        var domain = (WindowedDomain<ArmLpaeFormat>)_device.Iommu!.Domain!;
        Assert.Equal([(12, 64), (16, 4)], domain.Tables.Select(table => Shape([.. table.EnumerateMappings()])));
        foreach (var mapping in mappings)
            mapping.Dispose();
        Assert.All(domain.Tables, table => Assert.Empty(table.EnumerateMappings()));
    }

    [Fact]
    public void A_fixed_address_between_the_windows_is_out_of_range()
    {
        var block = _device.Dma.Memory.Allocate(0x1_0000);
        var offset = block.Address.Value & 0xFFFF;
        var between = new Iova(0x9000_0000 + offset);
        var failure = Assert.Throws<ApertureException>(() => _device.Dma.MapAt(block, between, DmaDirection.ToDevice));
        Assert.Equal(Status.OutOfRange, failure.Status);
        _device.Dma.MapAt(block, new Iova(High + 0x1_0000 + offset), DmaDirection.ToDevice).Dispose();
    }

    private static (int Shift, int Pages) Shape(PageTranslation[] all) => (all[0].PageShift, all.Length);

    private static (ApertureWindow Window, ArmLpaeFormat Format)[] Windows() =>
    [
        (new ApertureWindow(new Iova(Low), new Iova(Low + Length - 1), 0x1000),
            new ArmLpaeFormat(new() { InputBits = 32, OutputBits = 40 })),
        (new ApertureWindow(new Iova(High), new Iova(High + Length - 1), 0),
            new ArmLpaeFormat(new() { InputBits = 42, OutputBits = 40, PageSizes = ArmLpaeOptions.Granule64K })),
    ];
}
