using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Flush;
using Aperture.Iommu;
using Aperture.Tests.Dma;
using Xunit.Abstractions;

namespace Aperture.Schedules.Tests;

/// <summary>Mappings, deferred flushes, failures and attachments under every order of steps: a device address is given out only when the
/// unit has forgotten it.</summary>
public sealed class DmaSchedules(ITestOutputHelper output)
{
    [Fact]
    public void Flush_queue() => Explore.Holds(output, () => Mappers("iommu-deferred", isFailing: false), threads: 3);

    [Fact]
    public void Strict_unmaps() => Explore.Holds(output, () => Mappers("iommu", isFailing: false), threads: 3);

    /// <summary>A unit that was not told for a while: what it may remember stays in quarantine.</summary>
    [Fact]
    public void Quarantine() => Explore.Holds(output, () => Mappers("iommu", isFailing: true), threads: 3);

    [Fact]
    public void Quarantine_behind_a_flush_queue() => Explore.Holds(output, () => Mappers("iommu-deferred", isFailing: true), threads: 3);

    /// <summary>A device that comes into a domain while pages go from it keeps none of them.</summary>
    [Fact]
    public void Attach_against_unmap() => Explore.Holds(output, () =>
    {
        var rig = DmaRig.Make("iommu", 1 << 20);
        rig.Dma.Detach();
        var group = rig.Device.Iommu!.Group;
        var domains = new[] { rig.Unit.CreateDomain(DomainType.Unmanaged), rig.Unit.CreateDomain(DomainType.Unmanaged) };
        var remembered = rig.Unit.Remembered = [];
        var (page, count) = (new Iova(0x10_0000), 4ul);
        var memory = rig.Memory.HighestAddress.AlignDown(4096);
        for (ulong i = 0; i < count; i++)
            Assert.Equal(Status.Ok, domains[0].Map(page + (i << 12), memory, 4096, Protection.ReadWrite));
        // The device is quick: whatever is mapped when it comes, the unit has seen.
        rig.Unit.OnAttach = domain =>
        {
            remembered.Clear();
            for (ulong i = 0; i < count; i++)
            {
                if (domain.TryTranslate(page + (i << 12), out _))
                    remembered.Add((page.Value >> 12) + i);
            }
        };
        return new Concurrent(
            [
                () =>
                {
                    foreach (var domain in (int[])[1, 0, 1, 0])
                        group.Replace(domains[domain]);
                },
                () =>
                {
                    for (ulong i = 0; i < count; i++)
                    {
                        Assert.Equal(4096ul, domains[0].Unmap(page + (i << 12), 4096));
                        Assert.DoesNotContain((page.Value >> 12) + i, remembered);
                    }
                },
            ],
            () =>
            {
                Assert.Empty(remembered);
                Assert.Equal(domains[0], group.Domain);
                rig.Dispose();
            });
    });

    private static Concurrent Mappers(string path, bool isFailing)
    {
        var rig = DmaRig.Make(path, 1 << 20);
        var remembered = rig.Unit.Remembered = [];
        var blocks = Enumerable.Range(0, 2).Select(_ => rig.Memory.Allocate(0x2000)).ToArray();
        var failures = isFailing ? 2 : 0;
        rig.Unit.OnInvalidate = _ => failures > 0 && failures-- > 0 ? Status.TimedOut : Status.Ok;
        return new Concurrent(
            [
                () => Use(0),
                () => Use(1),
                () =>
                {
                    for (var i = 0; i < 3; i++)
                    {
                        rig.Time.Advance(FlushQueue.Timeout);
                        Yields.Step();
                    }
                },
            ],
            () =>
            {
                rig.Time.Advance(FlushQueue.Timeout);
                rig.Unit.TryReprogram();
                rig.Dma.Detach();
                Assert.Equal((0, 0x1000ul), (rig.Domain.Count, rig.Domain.Space!.UsedBytes));
                rig.Dispose();
            });

        void Use(int thread)
        {
            for (var i = 0; i < 4; i++)
            {
                if (rig.Dma.TryMap(blocks[thread], DmaDirection.ToDevice, out var mapping) != Status.Ok)
                    continue;
                for (var page = mapping.Address.Value >> 12; page <= (mapping.Address.Value + mapping.Length - 1) >> 12; page++)
                    Assert.True(remembered.Add(page), $"page 0x{page:x} was given out while the unit remembers it");
                try
                {
                    mapping.Dispose();
                }
                catch (ApertureException) when (isFailing)
                {
                    // the unit was not told, and the caller hears it
                }
            }
        }
    }
}
