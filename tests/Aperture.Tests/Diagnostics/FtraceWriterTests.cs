using Aperture.Core;
using Aperture.Devices;
using Aperture.Diagnostics;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Dma.Operations;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Diagnostics;

public sealed class FtraceWriterTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly StringWriter _output = new();

    public void Dispose() => _output.Dispose();

    private string[] Lines => [.. _output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#')];

    // The texts behind the prefix are those of a real kernel's trace.
    [Fact]
    public unsafe void Lines_read_as_those_of_a_kernel()
    {
        var writer = new FtraceWriter(_output, _time, "iogen");
        _time.Advance(TimeSpan.FromMicroseconds(4_908_811));
        writer.AddDeviceToGroup(4, "0000:00:04.0");
        writer.AttachDeviceToDomain("0000:00:02.0");
        writer.Map(new Iova(0xffff_f000), new PhysicalAddress(0x809_0000), 4096);
        writer.Unmap(new Iova(0xfff9_f000), 4096, 4096);
        writer.DmaMap("0000:00:03.0", DmaDirection.FromDevice, new Iova(0xfff9_f000), 4096, new PhysicalAddress(0x610_c000),
            DmaAttributes.None);
        writer.DmaUnmap("0000:00:03.0", DmaDirection.FromDevice, new Iova(0xfff9_f000), 4096, DmaAttributes.None);
        var memory = new[] { new MemoryBlock(null, new PhysicalAddress(0x595_f000), 0x1000),
            new MemoryBlock(null, new PhysicalAddress(0x595_e000), 0x1000) };
        writer.DmaMapScatter("0000:00:1f.2", DmaDirection.ToDevice, [new DmaSegment(new Iova(0xffed_c000), 0x2000)], memory,
            DmaAttributes.None);
        writer.DmaUnmapScatter("0000:00:1f.2", DmaDirection.ToDevice, memory, DmaAttributes.None);
        writer.DmaMapScatterFailed("0000:00:1f.2", DmaDirection.ToDevice, memory, Status.NoMemory, DmaAttributes.Privileged);
        writer.DmaAllocate("0000:00:02.0", new Iova(0xffff_e000), 512, new PhysicalAddress(0x85bf_7000), DmaAttributes.None);
        writer.DmaFree("0000:00:02.0", new Iova(0xffff_8000), 16384, new PhysicalAddress(0xf7b_7000), DmaAttributes.Privileged
            | (DmaAttributes)(1 << 3));
        writer.IoPageFault("480bc000.isp", "omap3isp", new Iova(0x4000_0000), isWrite: true);
        writer.RemoveDeviceFromGroup(4, "0000:00:04.0");

        const string Prefix = "           iogen-1       [000] .....     ";
        string[] expected =
            [
                "add_device_to_group: IOMMU: groupID=4 device=0000:00:04.0",
                "attach_device_to_domain: IOMMU: device=0000:00:02.0",
                "map: IOMMU: iova=0x00000000fffff000 - 0x0000000100000000 paddr=0x0000000008090000 size=4096",
                "unmap: IOMMU: iova=0x00000000fff9f000 - 0x00000000fffa0000 size=4096 unmapped_size=4096",
                "dma_map_page: 0000:00:03.0 dir=FROM_DEVICE dma_addr=fff9f000 size=4096 phys_addr=610c000 attrs=",
                "dma_unmap_page: 0000:00:03.0 dir=FROM_DEVICE dma_addr=fff9f000 size=4096 attrs=",
                "dma_map_sg: 0000:00:1f.2 dir=TO_DEVICE nents=2/2 ents=1/1 dma_addrs={0xffedc000} sizes={0x2000} " +
                    "phys_addrs={0x595f000,0x595e000} attrs=",
                "dma_unmap_sg: 0000:00:1f.2 dir=TO_DEVICE phys_addrs={0x595f000,0x595e000} attrs=",
                "dma_map_sg_err: 0000:00:1f.2 dir=TO_DEVICE dma_addrs={0x595f000,0x595e000} err=-12 attrs=PRIVILEGED",
                "dma_alloc: 0000:00:02.0 dir=BIDIRECTIONAL dma_addr=ffffe000 size=512 virt_addr=0000000085bf7000 " +
                    "flags=GFP_KERNEL attrs=",
                "dma_free: 0000:00:02.0 dir=BIDIRECTIONAL dma_addr=ffff8000 size=16384 virt_addr=000000000f7b7000 " +
                    "attrs=PRIVILEGED|0x8",
                "io_page_fault: IOMMU:omap3isp 480bc000.isp iova=0x0000000040000000 flags=0x0001",
                "remove_device_from_group: IOMMU: groupID=4 device=0000:00:04.0",
            ];
        Assert.Equal(expected.Select((text, i) => $"{Prefix}4.{908_811 + i}: {text}"), Lines);
    }

    [Fact]
    public void All_lines_had_the_time_0_because_the_machines_clock_stands_still()
    {
        var writer = new FtraceWriter(_output, _time);
        for (var i = 0; i < 3; i++)
            writer.AttachDeviceToDomain("d");
        _time.Advance(TimeSpan.FromMicroseconds(2));
        writer.AttachDeviceToDomain("d"); // behind the machine's time by now, and still later than the line before
        _time.Advance(TimeSpan.FromSeconds(1));
        writer.AttachDeviceToDomain("d");
        Assert.Equal(["0.000000", "0.000001", "0.000002", "0.000003", "1.000002"],
            Lines.Select(line => line.Split(':')[0].Split(' ')[^1]));
    }

    // The texts are those of traces of Linux 6.12 and 7.2.
    [Theory]
    [InlineData(TraceKernel.Linux612, "page", "resource", "")]
    [InlineData(TraceKernel.Linux618, "phys", "phys", "MMIO")]
    public void Names_follow_the_kernel(TraceKernel kernel, string map, string resource, string attributes)
    {
        var writer = new FtraceWriter(_output, _time, kernel: kernel);
        writer.DmaMap("0000:00:02.0", DmaDirection.FromDevice, new Iova(0xfffd_d000), 4096, new PhysicalAddress(0x1a47_b000),
            DmaAttributes.None);
        writer.DmaUnmap("0000:00:02.0", DmaDirection.FromDevice, new Iova(0xfffd_d000), 4096, DmaAttributes.None);
        writer.DmaMapResource("0000:00:02.0", DmaDirection.Bidirectional, new Iova(0x1000), 64, new PhysicalAddress(0xfee0_0000),
            DmaAttributes.None);
        writer.DmaUnmapResource("0000:00:02.0", DmaDirection.Bidirectional, new Iova(0x1000), 64, DmaAttributes.Mmio);
        writer.DmaBounced("0000:00:02.0", new Iova(ulong.MaxValue), new Iova(0x564_0000), 4096, isForced: true);
        writer.DmaBounced("0000:00:02.0", new Iova(0xffff_ffff), new Iova(0x564_0000), 1, isForced: false);
        Assert.Equal(
            [
                $"dma_map_{map}: 0000:00:02.0 dir=FROM_DEVICE dma_addr=fffdd000 size=4096 phys_addr=1a47b000 attrs=",
                $"dma_unmap_{map}: 0000:00:02.0 dir=FROM_DEVICE dma_addr=fffdd000 size=4096 attrs=",
                $"dma_map_{resource}: 0000:00:02.0 dir=BIDIRECTIONAL dma_addr=1000 size=64 phys_addr=fee00000 attrs={attributes}",
                $"dma_unmap_{resource}: 0000:00:02.0 dir=BIDIRECTIONAL dma_addr=1000 size=64 attrs={attributes}",
                "swiotlb_bounced: dev_name: 0000:00:02.0 dma_mask=ffffffffffffffff dev_addr=5640000 size=4096 FORCE",
                "swiotlb_bounced: dev_name: 0000:00:02.0 dma_mask=ffffffff dev_addr=5640000 size=1 NORMAL",
            ],
            Lines.Select(line => line[(line.IndexOf(": ", StringComparison.Ordinal) + 2)..]));
    }

    [Fact]
    public void Bounce_buffers_are_traced_before_the_mapping_that_uses_them()
    {
        using var memory = new HonestMemory(cached: false);
        var core = new IommuCore(new FakeMemory(), new FtraceWriter(_output, _time));
        var platform = new DmaPlatform(memory) { ForceBounce = true };
        var device = new Device("d");
        DmaAttach.Attach(device, core, platform);
        device.Dma.Map(memory.Allocate(4096).Slice(16, 100), DmaDirection.ToDevice).Dispose();
        device.Dma.MapScatter([memory.Allocate(8), memory.Allocate(9)], new DmaSegment[2], DmaDirection.ToDevice).Dispose();
        device.Dma.MapManaged(new byte[5], DmaDirection.ToDevice).Dispose();
        device.Dma.MapResource(new PhysicalAddress(0x1000_0000), 4, DmaDirection.ToDevice).Dispose();
        Assert.Equal(
            [
                "swiotlb_bounced: dev_name: d dma_mask=ffffffff dev_addr=80000010 size=100 FORCE", "dma_map_page", "dma_unmap_page",
                "swiotlb_bounced: dev_name: d dma_mask=ffffffff dev_addr=80001000 size=8 FORCE",
                "swiotlb_bounced: dev_name: d dma_mask=ffffffff dev_addr=80002000 size=9 FORCE", "dma_map_sg", "dma_unmap_sg",
                "swiotlb_bounced: dev_name: d dma_mask=ffffffff dev_addr=0 size=5 FORCE", "dma_map_page", "dma_unmap_page",
                "dma_map_resource", "dma_unmap_resource",
            ],
            Lines.Select(line => line[(line.IndexOf(": ", StringComparison.Ordinal) + 2)..])
                .Select(text => text.StartsWith("swiotlb", StringComparison.Ordinal) ? text : text.Split(':')[0]));
    }

    [Fact]
    public unsafe void Long_scatterlists_are_cut()
    {
        var writer = new FtraceWriter(_output, _time);
        var memory = Enumerable.Range(0, 130).Select(i => new MemoryBlock(null, new PhysicalAddress((ulong)i << 12), 0x1000)).ToArray();
        writer.DmaMapScatter("d", DmaDirection.Bidirectional, [], memory, DmaAttributes.None);
        Assert.Contains("nents=128/130 ents=0/0 [TRUNCATED] dma_addrs={} sizes={} phys_addrs={0x0,0x1000,", Lines[0],
            StringComparison.Ordinal);
        Assert.EndsWith(",0x7f000} attrs=", Lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Header_is_one_that_tools_know()
    {
        _ = new FtraceWriter(_output, _time);
        Assert.StartsWith("# tracer: nop\n#\n", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("\n#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n#              | |         |   |||||     |        " +
            " |\n", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Life_of_a_mapping_reads_in_the_kernels_order_and_repeats_byte_for_byte()
    {
        var first = Run();
        Assert.Equal(first, Run());
        Assert.Equal(
            [
                "add_device_to_group", "attach_device_to_domain", "dma_map_page", "dma_unmap_page", "dma_alloc", "dma_free", "dma_map_sg",
                    "dma_unmap_sg",
                "remove_device_from_group",
            ],
            first.Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(": ")[1]));

        static string Run()
        {
            using var output = new StringWriter();
            using var memory = new FakeMemory();
            var core = new IommuCore(memory, new FtraceWriter(output, new ManualTime()));
            var unit = new FakeUnit(new Device("u"));
            core.Register(unit);
            var device = new Device("d");
            core.Configure(device, [new IommuSpecifier(unit.Device.Key, "u", [1])]);
            DmaAttach.Attach(device, core, new DmaPlatform(memory));
            var block = memory.Allocate(4096);
            device.Dma.Map(block, DmaDirection.ToDevice).Dispose();
            device.Dma.Allocate(100).Dispose();
            device.Dma.MapScatter([block], new DmaSegment[1], DmaDirection.FromDevice).Dispose();
            core.Release(device);
            return output.ToString();
        }
    }
}
