using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Operations;
using Aperture.Dma.Sanitizer;

namespace Aperture.Tests.Dma.Sanitizer;

/// <summary>Pages of memory and whose they are: what is mapped is found, however often they go from one address space to another.</summary>
public sealed class MemoryPagesTests : IDisposable
{
    private const int Pages = 6;

    private readonly SanitizedRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Every_page_knows_its_mappings(int seed)
    {
        var random = new Random(seed);
        var block = _rig.Memory.Allocate(Pages * 0x1000);
        var (quick, alone, shared) = (0, 0, 0);
        for (var round = 0; round < 40; round++)
        {
            var pages = new MemoryPages(_rig.Memory.Memory);
            var spaces = new object[] { _rig.Direct, new Device("second"), _rig.Behind.Dma.Domain! }
                .Select(key => new SpaceWatch(key, pages.NextId(), 4, pages) { Quota = 1000 }).ToArray();
            foreach (var space in spaces)
                pages.Add(space);
            var stays = new[] { _rig.Direct, new Device("second"), _rig.Behind }.Select(device => new DeviceStay(device)).ToArray();
            var live = new List<LiveMapping>();
            for (var step = 0; step < 300; step++)
            {
                if (live.Count > 0 && random.Next(live.Count + 6) < live.Count)
                    End(live[random.Next(live.Count)]);
                else
                    Begin(round % 4 > 0 ? round % 3 : random.Next(3), round % 5 > 0 ? 0x40 : 0x2000); // most rounds are one space's
                Check($"seed {seed}, round {round}, step {step}");
            }

            void Begin(int which, int most)
            {
                var mapping = spaces[which].Take();
                var from = (ulong)random.Next(Pages * 0x1000);
                mapping.Stay = stays[which];
                mapping.Serial = (uint)random.Next();
                mapping.Memory = block.Address + from;
                mapping.Length = Math.Min((ulong)random.Next(1, most), (Pages * 0x1000) - from);
                mapping.Address = new Iova(mapping.Memory.Value + (which == 2 || random.Next(4) == 0 ? 0x1_0000_0000ul : 0));
                mapping.SetKind(MappingApi.Single, DmaDirection.FromDevice, MappingTraits.Live);
                if (random.Next(2) == 0 && TryAddLone(mapping))
                    quick++;
                else if (random.Next(4) != 0 && pages.TryAddAlone(mapping, 64))
                    alone++;
                else
                    pages.Add(mapping);
                if (mapping.IsIndexed)
                    mapping.Space.Pages.Add(mapping, mapping.Start, mapping.Last);
                live.Add(mapping);
            }

            void End(LiveMapping mapping)
            {
                live.Remove(mapping);
                if (random.Next(2) == 0 || !TryRemoveLone(mapping))
                    pages.Remove(mapping);
                if (mapping.IsIndexed)
                    mapping.Space.Pages.Remove(mapping, mapping.Start, mapping.Last);
                mapping.SetEnded(MappingEnd.Unmapped, "", 0, 0);
                mapping.Space.Remember(mapping);
            }

            unsafe bool TryAddLone(LiveMapping mapping)
            {
                if (!pages.TryAddLone(mapping, mapping.Space, null, out _))
                    return false;
                if (mapping.Space.Domain is not null || mapping.Start != mapping.Memory.Value)
                    mapping.Traits |= MappingTraits.Indexed;
                return true;
            }

            bool TryRemoveLone(LiveMapping mapping) => mapping.Space.Domain is not null || mapping.IsIndexed || random.Next(2) == 0
                ? pages.TryRemoveLone(mapping, mapping.Space)
                : pages.TryRemoveLone(mapping.Space, mapping.Start, mapping.Serial, MappingTraits.Live) is not null;

            void Check(string when)
            {
                for (var page = 0ul; page < Pages; page++)
                {
                    var address = block.Address.Value + (page * 0x1000);
                    var there = live.Where(mapping => mapping.Memory.Value >> 12 <= address >> 12
                        && address >> 12 <= mapping.MemoryLast >> 12).ToHashSet();
                    var found = new List<LiveMapping>();
                    foreach (var mapping in pages.On(address))
                        found.Add(mapping);
                    Assert.True(there.SetEquals(found) && there.Count == found.Count, $"{when}, page {page}");
                    shared += there.DistinctBy(mapping => mapping.Space).Count() > 1 ? 1 : 0;
                    foreach (var space in spaces)
                        CheckAddresses(space, live, address, $"{when}, page {page}");
                }
            }
        }

        Assert.True(quick > 300 && alone > 300 && shared > 300, $"{quick} quick, {alone} alone, {shared} shared");
    }

    [Fact]
    public void A_page_that_changes_hands_often_is_judged_as_before()
    {
        var devices = (Device[])[_rig.Behind, _rig.Direct, _rig.Other];
        var block = _rig.Memory.Allocate(0x1000);
        for (var i = 0; i < 100; i++)
        {
            var device = devices[i % 3];
            using (device.Dma.Map(block.Slice(0, 256), DmaDirection.FromDevice))
            using (device.Dma.Map(block.Slice(256, 256), DmaDirection.FromDevice))
                Assert.Equal(2, _rig.Sanitizer.LiveMappings);
        }

        _rig.Sanitizer.AssertClean();
        using var first = _rig.Direct.Dma.Map(block.Slice(0, 256), DmaDirection.FromDevice);
        using var second = _rig.Direct.Dma.Map(block.Slice(128, 256), DmaDirection.FromDevice);
        _rig.Single(FindingKind.OverlappingMappings, _rig.Direct, second.Address, 128);
    }

    [Fact]
    public void Memory_that_the_cpu_takes_while_others_map_it_is_compared()
    {
        var block = _rig.Memory.Allocate(0x1000);
        using (_rig.Behind.Dma.Map(block, DmaDirection.ToDevice))
        {
        }

        var mapping = _rig.Direct.Dma.Map(block.Slice(0, 64), DmaDirection.ToDevice); // the page goes to another space
        var other = _rig.Direct.Dma.Map(block.Slice(512, 64), DmaDirection.ToDevice);
        block.Span[8] = 1;
        block.Span[520] = 1;
        mapping.Unmap();
        other.Unmap();
        Assert.Equal([FindingKind.CpuWriteWithoutSync, FindingKind.CpuWriteWithoutSync],
            _rig.Sanitizer.Findings.Select(finding => finding.Kind));
    }

    [Fact]
    public async Task Threads_share_pages()
    {
        var second = new Device("second");
        DmaAttach.Attach(second, _rig.Core, _rig.Platform);
        var block = _rig.Memory.Allocate(4 * 0x1000);
        using var start = new Barrier(3);
        await Task.WhenAll(Task.Run(() => Work(_rig.Direct)), Task.Run(() => Work(second)), Task.Run(Look));
        Assert.Equal(0, _rig.Sanitizer.LiveMappings);
        _rig.Sanitizer.AssertClean(isOver: true);

        void Work(Device device)
        {
            start.SignalAndWait();
            for (var i = 0; i < 20_000; i++)
            {
                using var mapping = device.Dma.Map(block.Slice(i % 7 * 2048, i % 5 == 0 ? 2048 : 64), DmaDirection.ToDevice);
                _rig.Sanitizer.OnRead(device, mapping.Address, new PhysicalAddress(mapping.Address.Value), 16, AccessOutcome.Done);
            }
        }

        void Look()
        {
            start.SignalAndWait();
            for (var i = 0; i < 2_000; i++)
            {
                _ = block.Slice(i % 4 * 0x1000, 32).Span.Length;
                Assert.InRange(_rig.Sanitizer.LiveMappings, 0, 2);
            }
        }
    }

    private static void CheckAddresses(SpaceWatch space, List<LiveMapping> live, ulong address, string where)
    {
        foreach (var at in (ulong[])[address, address + 0x1_0000_0000])
        {
            var there = live.Where(mapping => mapping.Space == space && mapping.Start >> 12 <= at >> 12 && at >> 12 <= mapping.Last >> 12)
                .ToHashSet();
            var found = new List<LiveMapping>();
            foreach (var mapping in space.On(at))
                found.Add(mapping);
            Assert.True(there.SetEquals(found) && there.Count == found.Count, $"{where}, device addresses at 0x{at:x}");
        }
    }
}
