using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Dma.Sanitizer;
using Aperture.Iommu;
using Aperture.Linux.Memory;
using Aperture.Linux.Pci;

namespace Aperture.GuestTests;

/// <summary>DMA both ways by the driver that also runs on simulated boards.</summary>
internal static class DmaTests
{
    public static void Coherent_memory_goes_there_and_back(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        using var buffer = edu.Device.Dma.Allocate(8192);
        new Random(1).NextBytes(buffer.Span[..4000]);
        edu.Load(buffer.Address, 8, 4000);
        edu.Store(8, buffer.Address + 4096, 4000);
        Check.That(buffer.Span[..4000].SequenceEqual(buffer.Span.Slice(4096, 4000)));
        Check.That(edu.Interrupts >= 2);
        Check.Equal(3628800u, edu.Factorial(10));
    }

    public static void Pages_that_are_not_contiguous_are_one_range_for_the_device(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var dma = edu.Device.Dma;
        var blocks = Enumerable.Range(0, 5).Select(_ => dma.Memory.Allocate(4096)).ToArray();
        MemoryBlock[] pieces = [blocks[4], blocks[0], blocks[2]];
        var segments = new DmaSegment[3];
        byte[] before;
        using (var mapping = dma.MapScatter(pieces, segments, DmaDirection.Bidirectional))
        {
            Check.Equal(1, mapping.Segments.Length);
            new Random(2).NextBytes(pieces[0].Span);
            new Random(3).NextBytes(pieces[1].Span);
            before = Stitch(pieces, 3000, 2000);
            edu.Load(segments[0].Address + 3000, 0, 2000); // over the border of the first two
            edu.Store(0, segments[0].Address + 8000, 2000); // over that of the second and the third
        }

        Check.That(Stitch(pieces, 8000, 2000).SequenceEqual(before));
        Array.ForEach(blocks, block => dma.Memory.Free(block));
    }

    public static void Managed_memory_can_be_mapped(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var array = new byte[5000];
        new Random(4).NextBytes(array);
        using (var mapping = edu.Device.Dma.MapManaged(array, DmaDirection.Bidirectional))
        {
            GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
            edu.Load(mapping.Mapping.Address, 0, 1000);
            edu.Store(0, mapping.Mapping.Address + 2000, 1000);
        }

        Check.That(array.AsSpan(2000, 1000).SequenceEqual(array.AsSpan(0, 1000)));
    }

    public static void A_device_that_may_share_pages_gets_managed_memory_itself(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine, new HostDeviceOptions { SharesPages = true });
        Check.Equal("iommu", edu.Device.Dma.Path);
        var array = new byte[5000];
        new Random(5).NextBytes(array);
        using var mapping = edu.Device.Dma.MapManaged(array.AsMemory(100, 4000), DmaDirection.Bidirectional);
        GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
        edu.Load(mapping.Mapping.Address, 0, 1000);
        edu.Store(0, mapping.Mapping.Address + 2000, 1000);
        Check.That(array.AsSpan(2100, 1000).SequenceEqual(array.AsSpan(100, 1000))); // at once, without a copy
    }

    public static void Two_devices_share_a_domain(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var other = guest.Open(machine, index: 1);
        var unit = edu.Device.Iommu!.Ports[0].Unit;
        using var domain = unit.CreateDomain(DomainType.Unmanaged);
        var memory = machine.Memory.Allocate(8192);
        new Random(6).NextBytes(memory.Span[..4096]);
        edu.Device.Iommu.Group.Replace(domain);
        Check.Equal(Status.Ok, domain.Map(new(0x0123_0000), memory.Address, 4096, Protection.Read));
        other.Device.Iommu!.Group.Replace(domain);
        Check.Equal(Status.Ok, domain.Map(new(0x0456_0000), memory.Address + 4096, 4096, Protection.Write));
        edu.Load(new(0x0123_0000), 0, 2000);
        other.Load(new(0x0123_0800), 0, 2000);
        edu.Store(0, new(0x0456_0000), 2000);
        other.Store(0, new(0x0456_0800), 2000);
        Check.That(memory.Span[..2000].SequenceEqual(memory.Span.Slice(4096, 2000)));
        Check.That(memory.Span.Slice(2048, 2000).SequenceEqual(memory.Span.Slice(4096 + 2048, 2000)));
        edu.Device.Iommu.Group.Detach(domain);
        other.Device.Iommu.Group.Detach(domain);
    }

    public static void Huge_memory_is_registered_with_one_call(Guest guest)
    {
        const int Size = 256 << 20;
        File.WriteAllText("/proc/sys/vm/nr_hugepages", "136");
        using var machine = Guest.Machine(new() { HugePages = HugePages.Require });
        var edu = guest.Open(machine);
        var unit = (Linux.AddressSpaces.HostUnit)edu.Device.Iommu!.Ports[0].Unit;
        var memory = machine.Memory.Allocate(Size);
        Check.Equal((ulong)Size, machine.Memory.HugeBytes);
        var available = unit.Space.AvailableMappings;
        using (var mapping = edu.Device.Dma.Map(memory, DmaDirection.Bidirectional))
        {
            Check.Equal(available - 1, unit.Space.AvailableMappings);
            memory.Span.Slice(Size - 4096, 2000).Fill(0xAB);
            edu.Load(mapping.Address + (Size - 4096), 0, 2000);
            edu.Store(0, mapping.Address + (128 << 20), 2000);
            Check.That(!memory.Span.Slice(128 << 20, 2000).ContainsAnyExcept((byte)0xAB));
        }

        machine.Memory.Free(memory);
        File.WriteAllText("/proc/sys/vm/nr_hugepages", "0");
    }

    public static void Without_huge_pages_ordinary_ones_do(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        using var buffer = edu.Device.Dma.Allocate(4 << 20);
        Check.Equal(0UL, machine.Memory.HugeBytes);
        buffer.Span.Slice((4 << 20) - 64).Fill(0xCD);
        edu.Load(buffer.Address + ((4 << 20) - 64), 0, 64);
        edu.Store(0, buffer.Address + 12345, 64);
        Check.That(!buffer.Span.Slice(12345, 64).ContainsAnyExcept((byte)0xCD));
        using var strict = new HostMemory(HugePages.Require);
        Check.Refused(Status.NoMemory, () => strict.Allocate(2 << 20));
    }

    public static void Memory_that_is_freed_while_mapped_stays_out_of_use(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var memory = machine.Memory.Allocate(4096);
        var mapping = edu.Device.Dma.Map(memory, DmaDirection.FromDevice);
        machine.Memory.Free(memory);
        Check.Equal(4096UL, machine.Memory.QuarantinedBytes);
        var next = machine.Memory.Allocate(4096);
        edu.Store(0, mapping.Address, 2000); // into memory that is nobody's
        Check.That(next.Address != memory.Address && !next.Span.ContainsAnyExcept((byte)0));
        mapping.Dispose();
        Check.Equal(0UL, machine.Memory.QuarantinedBytes);
    }

    public static void The_sanitizer_sees_what_drivers_do_wrong(Guest guest)
    {
        using var machine = Guest.Machine();
        using var sanitizer = DmaSanitizer.Watch(machine.Drivers.Dma);
        var edu = guest.Open(machine);
        var memory = machine.Memory.Allocate(4096);
        var mapping = edu.Device.Dma.Map(memory, DmaDirection.FromDevice);
        mapping.Dispose();
        Check.Equal(0, sanitizer.Findings.Count);
        edu.Device.Dma.Map(memory, DmaDirection.FromDevice); // and never unmapped
        machine.Drivers.Unbind(edu.Device);
        Check.Equal(FindingKind.Leak, sanitizer.Findings.Single().Kind);
    }

    private static byte[] Stitch(MemoryBlock[] pieces, int start, int length) =>
        [.. pieces.SelectMany(piece => piece.Span.ToArray()).Skip(start).Take(length)];
}
