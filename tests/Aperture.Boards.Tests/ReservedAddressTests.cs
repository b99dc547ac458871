using Aperture.Boards.Tests.Checking;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Boards.Tests;

/// <summary>Device addresses that a tree reserves (<c>iommu-addresses</c>): a picture that the boot loader left on, and a codec's window
/// without memory.</summary>
public sealed class ReservedAddressTests : IDisposable
{
    private const ulong Picture = 0x8F00_0000;
    private const ulong Window = 0xFFC0_0000;
    private const ulong Length = 0x40_0000;

    private readonly Machine _machine;

    public ReservedAddressTests()
    {
        var root = new TreeNode("").Cells("#address-cells", 1).Cells("#size-cells", 1).Strings("compatible", "test,board");
        root.Add(
            new TreeNode("memory@80000000").Strings("device_type", "memory").Cells("reg", 0x8000_0000, 0x1000_0000),
            new TreeNode("reserved-memory").Cells("#address-cells", 1).Cells("#size-cells", 1).Flag("ranges").Add(
                new TreeNode("picture@8f000000").Cells("reg", (uint)Picture, (uint)Length).Cells("phandle", 1)
                    .Cells("iommu-addresses", 11, 0x1000_0000, 0x1000, 10, (uint)Picture, (uint)Length),
                new TreeNode("window").Cells("phandle", 2).Cells("iommu-addresses", 11, (uint)Window, (uint)Length)),
            new TreeNode("soc").Strings("compatible", "simple-bus").Cells("#address-cells", 1).Cells("#size-cells", 1).Flag("ranges")
                .Cells("interrupt-parent", 20).Add(
                new TreeNode("controller@1000").Strings("compatible", "test,intc").Cells("reg", 0x1000, 0x20)
                    .Flag("interrupt-controller").Cells("#interrupt-cells", 1).Cells("phandle", 20),
                Unit("mmu@10000", 0x1_0000, 30),
                Unit("mmu@20000", 0x2_0000, 31),
                new TreeNode("display@30000").Strings("compatible", "aperture,dma-master").Cells("reg", 0x3_0000, 0x1000)
                    .Cells("interrupts", 3).Cells("phandle", 10).Cells("iommus", 30).Cells("memory-region", 1),
                new TreeNode("codec@40000").Strings("compatible", "aperture,dma-master").Cells("reg", 0x4_0000, 0x1000)
                    .Cells("interrupts", 4).Cells("phandle", 11).Cells("iommus", 31).Cells("memory-region", 1, 2)));
        _machine = Machine.Boot(root.Build());
        Assert.Empty(_machine.Drivers.Deferred);
    }

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void A_picture_that_was_left_on_was_cut_off_when_the_unit_was_taken_over()
    {
        var display = Find("display");
        var domain = display.Iommu!.Domain!;
        Assert.True(domain.TryTranslate(new Iova(Picture), out var address));
        Assert.Equal(Picture, address.Value);
        Assert.True(domain.TryTranslate(new Iova(Picture + Length - 1), out address));
        Assert.Equal(Picture + Length - 1, address.Value);
        Assert.False(domain.TryTranslate(new Iova(Picture + Length), out _));

        var port = _machine.Masters.Single(master => master.Device == display).Ports[0];
        display.Power.Get();
        var line = new byte[64];
        Assert.Equal((DmaStatus.Ok, line.Length), (port.Read(new Iova(Picture), line, out var read), read));
        display.Power.Put();
        var kept = new IovaReservation(new Iova(Picture), new Iova(Picture + Length - 1), ReservationKind.Direct);
        Assert.Equal([kept], display.Iommu.Group.Reservations);
        Assert.Equal([(new Iova(Picture), new Iova(Picture + Length - 1))], domain.ReservedRanges);
    }

    [Fact]
    public void Device_addresses_that_the_tree_reserves_were_given_out()
    {
        var codec = Find("codec");
        Assert.Equal(
            [(0x1000_0000ul, 0x1000_0FFFul, ReservationKind.Reserved), (Window, Window + Length - 1, ReservationKind.Reserved)],
            codec.Iommu!.Group.Reservations.Select(kept => (kept.First.Value, kept.Last.Value, kept.Kind)));
        Assert.False(codec.Iommu.Domain!.TryTranslate(new Iova(Window), out _));
        var block = codec.Dma.Memory.Allocate(1 << 20);
        foreach (var wanted in new[] { Window, Window + Length - (1ul << 20), Window - 0x1000, 0x1000_0000ul })
        {
            var failure = Assert.Throws<ApertureException>(() => codec.Dma.MapAt(block, new Iova(wanted), DmaDirection.ToDevice));
            Assert.Contains($"to device address {new Iova(wanted)} for DMA", failure.Message, StringComparison.Ordinal);
            Assert.Contains("is reserved for this device", failure.Message, StringComparison.Ordinal);
            Assert.Equal(Status.AlreadyExists, failure.Status);
        }

        codec.Dma.MapAt(block, new Iova(Window - (1ul << 20)), DmaDirection.ToDevice).Dispose();
        var given = 0;
        while (codec.Dma.TryMap(block, DmaDirection.ToDevice, out var mapping) == Status.Ok)
        {
            Assert.True(mapping.Address.Value + (1ul << 20) <= Window, $"mapping {given} is at {mapping.Address}");
            Assert.False(mapping.Address.Value <= 0x1000_0FFF && mapping.Address.Value + (1ul << 20) > 0x1000_0000);
            given++;
        }

        Assert.True(given > 4000, $"{given} mappings");
    }

    [Fact]
    public void Who_needs_direct_addresses_cannot_be_given_away()
    {
        var display = Find("display");
        _machine.Drivers.Unbind(display);
        _machine.Iommu.Configure(display);
        var failure = Assert.Throws<ApertureException>(() => display.Iommu!.Group.Claim(this));
        Assert.Equal(Status.NotPermitted, failure.Status);
        Assert.Contains($"{new Iova(Picture)} to {new Iova(Picture + Length - 1)}", failure.Message, StringComparison.Ordinal);
        _machine.Iommu.Release(display);
    }

    private Device Find(string name) => _machine.Masters.Single(master => master.Name.EndsWith(name, StringComparison.Ordinal)).Device!;

    private static TreeNode Unit(string name, uint address, uint phandle) => new TreeNode(name).Strings("compatible", "ti,omap4-iommu")
        .Cells("reg", address, 0x100).Cells("#iommu-cells", 0).Cells("phandle", phandle).Cells("interrupts", phandle - 29);
}
