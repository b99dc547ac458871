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

        const string Prefix = "           iogen-1       [000] .....     4.908811: ";
        Assert.Equal(
            [
                Prefix + "add_device_to_group: IOMMU: groupID=4 device=0000:00:04.0",
                Prefix + "attach_device_to_domain: IOMMU: device=0000:00:02.0",
                Prefix + "map: IOMMU: iova=0x00000000fffff000 - 0x0000000100000000 paddr=0x0000000008090000 size=4096",
                Prefix + "unmap: IOMMU: iova=0x00000000fff9f000 - 0x00000000fffa0000 size=4096 unmapped_size=4096",
                Prefix + "dma_map_page: 0000:00:03.0 dir=FROM_DEVICE dma_addr=fff9f000 size=4096 phys_addr=610c000 attrs=",
                Prefix + "dma_unmap_page: 0000:00:03.0 dir=FROM_DEVICE dma_addr=fff9f000 size=4096 attrs=",
                Prefix + "dma_map_sg: 0000:00:1f.2 dir=TO_DEVICE nents=2/2 ents=1/1 dma_addrs={0xffedc000} sizes={0x2000} " +
                    "phys_addrs={0x595f000,0x595e000} attrs=",
                Prefix + "dma_unmap_sg: 0000:00:1f.2 dir=TO_DEVICE phys_addrs={0x595f000,0x595e000} attrs=",
                Prefix + "dma_map_sg_err: 0000:00:1f.2 dir=TO_DEVICE dma_addrs={0x595f000,0x595e000} err=-12 attrs=PRIVILEGED",
                Prefix + "dma_alloc: 0000:00:02.0 dir=BIDIRECTIONAL dma_addr=ffffe000 size=512 virt_addr=0000000085bf7000 " +
                    "flags=GFP_KERNEL attrs=",
                Prefix + "dma_free: 0000:00:02.0 dir=BIDIRECTIONAL dma_addr=ffff8000 size=16384 virt_addr=000000000f7b7000 " +
                    "attrs=PRIVILEGED|0x8",
                Prefix + "io_page_fault: IOMMU:omap3isp 480bc000.isp iova=0x0000000040000000 flags=0x0001",
                Prefix + "remove_device_from_group: IOMMU: groupID=4 device=0000:00:04.0",
            ],
            Lines);
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
