using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Dma.Operations;
using Aperture.Dma.Shared;

namespace Aperture.Tests.Dma;

/// <summary>Whatever fails, at whichever step: an error that names the device, and nothing is left behind.</summary>
public class FailureTests
{
    private const int Steps = 12; // more than any call takes

    public static TheoryData<string, string> Calls
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var path in (string[])["direct", "direct-noncoherent", "iommu", "iommu-noncoherent", "iommu-deferred", "bounce",
                "bounce-noncoherent", "restricted", "untrusted", "untrusted-noncoherent"])
            {
                foreach (var call in (string[])["map", "scatter", "frames", "resource", "managed", "coherent", "pages", "pieces", "shared"])
                    data.Add(path, call);
            }

            return data;
        }
    }

    /// <summary>The n-th allocation of memory, and the n-th map of the domain, fails, for every n.</summary>
    [Theory]
    [MemberData(nameof(Calls))]
    public void Any_step_may_fail_and_nothing_is_left(string path, string call)
    {
        using var rig = DmaRig.Make(path);
        var isBehind = path.StartsWith("iommu", StringComparison.Ordinal) || path.StartsWith("untrusted", StringComparison.Ordinal);
        var memory = rig.Memory.Allocate(0x4000).Slice(0x80, 0x3000);
        if (path is not "iommu-deferred")
            Try(rig, call, memory); // pools have their memory from now on
        foreach (var failsTable in (bool[])[false, true])
        {
            for (var step = 0; step < Steps; step++)
            {
                if (failsTable && !isBehind)
                    continue;
                rig.Dma.Detach();
                DmaAttach.Attach(rig.Device, rig.Core, rig.Platform);
                var before = State(rig, isBehind);
                rig.Memory.FailAfter = failsTable ? -1 : step;
                if (failsTable)
                    rig.Domain.FailAfter = step;
                var error = Try(rig, call, memory);
                var isReached = (failsTable ? rig.Domain.FailAfter : rig.Memory.FailAfter) < 0;
                rig.Memory.FailAfter = -1;
                if (isBehind)
                    rig.Domain.FailAfter = -1;
                rig.Dma.Detach();
                DmaAttach.Attach(rig.Device, rig.Core, rig.Platform);
                var after = State(rig, isBehind);
                if (after.Live == before.Live + 1 && after.PoolBytes > before.PoolBytes)
                    after = after with { Live = before.Live, PoolBytes = before.PoolBytes }; // a bounce pool stays
                Assert.Equal(before, after);
                if (isReached && error is not null && call != "shared")
                    Assert.Contains(path, error.Message, StringComparison.Ordinal);
                if (!isReached)
                    Assert.True(error is null || error.Status is Status.NotSupported, error?.Message);
            }
        }

        Assert.True(Try(rig, call, memory) is null or { Status: Status.NotSupported });
    }

    private static (int Live, long PoolBytes, int Slots, int OwnSlots, int Pages, ulong Addresses) State(DmaRig rig, bool isBehind) =>
        (rig.Memory.Live, rig.Platform.BouncePool.TotalBytes, rig.Platform.BouncePool.UsedSlots, rig.Dma.BouncePool.UsedSlots, isBehind
            ? rig.Domain.Count : 0, isBehind ? rig.Domain.Space!.UsedBytes : 0);

    private static ApertureException? Try(DmaRig rig, string call, MemoryBlock memory)
    {
        try
        {
            Make(rig, call, memory);
            return null;
        }
        catch (ApertureException error)
        {
            return error;
        }
    }

    private static void Make(DmaRig rig, string call, MemoryBlock memory)
    {
        switch (call)
        {
            case "map":
                rig.Dma.Map(memory, DmaDirection.Bidirectional).Dispose();
                break;
            case "scatter":
                rig.Dma.MapScatter([memory.Slice(0, 0x80), memory.Slice(0xF80, 0x1000), default, memory.Slice(0x2000, 5)],
                    new DmaSegment[4], DmaDirection.ToDevice).Dispose();
                break;
            case "frames":
                rig.Dma.MapFrames(memory.Address, (ulong)memory.Length, DmaDirection.FromDevice).Dispose();
                break;
            case "resource":
                rig.Dma.MapResource(new PhysicalAddress(0x4000_0000), 0x2000, DmaDirection.FromDevice).Dispose();
                break;
            case "managed":
                rig.Dma.MapManaged(new byte[5000], DmaDirection.FromDevice).Dispose();
                break;
            case "coherent":
                rig.Dma.Allocate(0x2345).Dispose();
                break;
            case "pages":
                rig.Dma.AllocatePages(0x2345, DmaDirection.FromDevice).Dispose();
                break;
            case "pieces":
                rig.Dma.AllocateNoncontiguous(0x3345, DmaDirection.FromDevice, DmaAttributes.AllocSinglePages).Dispose();
                break;
            default:
                using (var buffer = SharedBuffer.Allocate(rig.Memory, 0x2000))
                    buffer.AttachAll([rig.Device]);
                break;
        }
    }

    /// <summary>A space that is used up by ranges that wait for their invalidation is not full.</summary>
    [Theory]
    [InlineData("iommu", 15)]
    [InlineData("iommu-deferred", 15)]
    public void Device_addresses_run_out_only_when_they_are_in_use(string path, int pages)
    {
        using var rig = DmaRig.Make(path);
        rig.Dma.SetMask(16); // fifteen pages, page zero is not given out
        var memory = rig.Memory.Allocate(0x4000);
        for (var i = 0; i < 100; i++)
        {
            rig.Dma.Map(memory, DmaDirection.ToDevice).Dispose();
            rig.Dma.MapScatter([memory.Slice(0, 0x1000), memory.Slice(0x2000, 0x2000)], new DmaSegment[2], DmaDirection.ToDevice).Dispose();
            rig.Dma.AllocateNoncontiguous(0x4000, DmaDirection.ToDevice, DmaAttributes.AllocSinglePages).Dispose();
        }

        var live = new List<DmaMapping>();
        while (rig.Dma.TryMap(memory.Slice(0, 0x1000), DmaDirection.ToDevice, out var mapping) == Status.Ok)
            live.Add(mapping);
        Assert.Equal(pages, live.Count);
        var error = Assert.Throws<ApertureException>(() => rig.Dma.Map(memory, DmaDirection.ToDevice));
        Assert.Equal(Status.NoSpace, error.Status);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        live.ForEach(mapping => mapping.Dispose());
        rig.Dma.Map(memory, DmaDirection.ToDevice).Dispose();
    }

    [Theory]
    [InlineData("direct")]
    [InlineData("iommu")]
    [InlineData("bounce")]
    public void Bad_arguments_are_refused_by_every_call(string path)
    {
        using var rig = DmaRig.Make(path);
        var memory = rig.Memory.Allocate(0x1000);
        var bad = (DmaDirection)3;
        rig.Dma.Map(memory, DmaDirection.ToDevice).Dispose(); // pools have their memory from now on
        Action[] invalid =
        [
            () => rig.Dma.Map(default, DmaDirection.ToDevice),
            () => rig.Dma.Map(memory, bad),
            () => rig.Dma.MapAt(memory, new Iova(memory.Address.Value), bad),
            () => rig.Dma.MapFrames(memory.Address, 0, DmaDirection.ToDevice),
            () => rig.Dma.MapScatter([memory], new DmaSegment[1], bad),
            () => rig.Dma.MapScatter([default], new DmaSegment[1], DmaDirection.ToDevice),
            () => rig.Dma.MapManaged(default, DmaDirection.ToDevice),
            () => rig.Dma.MapManaged(new byte[1], bad),
            () => rig.Dma.AllocatePages(1, bad),
            () => rig.Dma.AllocateNoncontiguous(1, bad),
            () => rig.Dma.SyncForCpu(new Iova(memory.Address.Value), 1, bad),
            () => rig.Dma.SyncForDevice(new Iova(memory.Address.Value), 1, bad),
        ];
        var live = rig.Memory.Live;
        Assert.All(invalid, call => Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(call).Status));
        Assert.Throws<ArgumentOutOfRangeException>(() => rig.Dma.Allocate(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => rig.Dma.AllocatePages(-1, DmaDirection.ToDevice));
        Assert.Throws<ArgumentOutOfRangeException>(() => rig.Dma.AllocateNoncontiguous(0, DmaDirection.ToDevice));
        Assert.Throws<ArgumentOutOfRangeException>(() => rig.Dma.MapPage(memory, 0xFFF, 2, DmaDirection.ToDevice));
        var mapping = rig.Dma.Map(memory, DmaDirection.Bidirectional);
        foreach (var (offset, length) in ((ulong, ulong)[])[(0x1001, 0), (0, 0x1001), (0xFFF, 2), (ulong.MaxValue, 2), (1, ulong.MaxValue)])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => mapping.SyncForCpu(offset, length));
            Assert.Throws<ArgumentOutOfRangeException>(() => mapping.SyncForDevice(offset, length));
        }

        mapping.Dispose();
        Assert.Equal(live, rig.Memory.Live);
    }

    [Fact]
    public void Nothing_can_be_done_before_the_attach_and_after_the_detach()
    {
        using var rig = DmaRig.Make("iommu");
        var memory = rig.Memory.Allocate(0x1000);
        rig.Dma.Detach();
        Assert.Equal(("none", false), (rig.Dma.Path, rig.Dma.IsAttached));
        Action[] calls =
        [
            () => _ = rig.Dma.Memory,
            () => _ = rig.Dma.MaxMappingSize,
            () => _ = rig.Dma.RequiredMask,
            () => rig.Dma.Map(memory, DmaDirection.ToDevice),
            () => rig.Dma.MapManaged(new byte[1], DmaDirection.ToDevice),
            () => rig.Dma.Allocate(1),
            () => rig.Dma.AllocatePages(1, DmaDirection.ToDevice),
            () => rig.Dma.UseDomain(rig.Domain),
        ];
        Assert.All(calls, call =>
            Assert.Contains("not attached", Assert.Throws<ApertureException>(call).Message, StringComparison.Ordinal));
    }
}
