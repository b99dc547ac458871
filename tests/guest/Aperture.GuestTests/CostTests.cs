using System.Diagnostics;
using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Linux.Native;
using Aperture.Linux.Vfio;
using Aperture.Linux.Vfio.Abi;

namespace Aperture.GuestTests;

/// <summary>What a map and an unmap cost, beside the two system calls alone.</summary>
internal static class CostTests
{
    private const int Rounds = 15;
    private const int Pairs = 1000;
    private const double Most = 1.15;

    public static unsafe void A_map_and_unmap_cost_hardly_more_than_the_system_calls(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var domain = edu.Device.Iommu!.Domain!;
        var memory = machine.Memory.Allocate(4096);
        var unit = (Linux.AddressSpaces.HostUnit)edu.Device.Iommu.Ports[0].Unit;
        var container = ((VfioGroup)unit.Space).Container;
        var bare = double.MaxValue;
        var ours = double.MaxValue;
        for (var round = 0; round < Rounds; round++)
        {
            bare = Math.Min(bare, Time(() =>
            {
                var map = new VfioDmaMap
                {
                    ArgumentSize = (uint)sizeof(VfioDmaMap),
                    Flags = VfioMapFlags.Read | VfioMapFlags.Write,
                    Address = memory.Address.Value,
                    Iova = 0x60_0000,
                    Size = 4096
                };
                var unmap = new VfioDmaUnmap { ArgumentSize = (uint)sizeof(VfioDmaUnmap), Iova = 0x60_0000, Size = 4096 };
                Check.Equal(0, Libc.Ioctl(container, VfioIoctl.IommuMap, &map) | Libc.Ioctl(container, VfioIoctl.IommuUnmap, &unmap));
            }));
            ours = Math.Min(ours, Time(() =>
            {
                Check.Equal(Status.Ok, domain.Map(new(0x60_0000), memory.Address, 4096, Protection.ReadWrite));
                Check.Equal(4096UL, domain.Unmap(new(0x60_0000), 4096));
            }));
        }

        Console.WriteLine($"        a pair of system calls {bare:F0} ns, domain.Map and Unmap {ours:F0} ns: {ours / bare:F3}");
        Check.That(ours / bare <= Most);
    }

    public static void Nothing_is_allocated(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var dma = edu.Device.Dma;
        var domain = edu.Device.Iommu!.Domain!;
        var memory = machine.Memory.Allocate(8 * 4096);
        MemoryBlock[] pieces = [memory.Slice(0, 4096), memory.Slice(8192, 4096)];
        var segments = new DmaSegment[2];
        AssertNone("domain", () =>
        {
            domain.Map(new(0x60_0000), memory.Address, 4096, Protection.ReadWrite);
            domain.Unmap(new(0x60_0000), 4096);
        });
        AssertNone("stream", () => dma.Map(memory, DmaDirection.ToDevice).Dispose());
        AssertNone("bounce", () => dma.Map(memory.Slice(1, 100), DmaDirection.Bidirectional).Dispose());
        AssertNone("scatterlist", () => dma.MapScatter(pieces, segments, DmaDirection.ToDevice).Dispose());
        AssertNone("allocation", () => dma.Allocate(4096).Dispose());
        AssertNone("registers", () => edu.IsAlive(1));
    }

    private static double Time(Action action)
    {
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < Pairs; i++)
            action();
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / Pairs;
    }

    /// <summary>The least of some rounds: the first ones may fill caches.</summary>
    private static void AssertNone(string what, Action action)
    {
        var least = long.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 100; i++)
                action();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Check.Equal(0L, least, $"bytes allocated by 100 of {what}");
    }
}
