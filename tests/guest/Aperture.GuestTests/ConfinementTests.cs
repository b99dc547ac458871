using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Drivers.Edu;
using Aperture.Linux.Hosts;

namespace Aperture.GuestTests;

/// <summary>The device reaches what is mapped for it and nothing else, and the kernel's log tells what it tried.</summary>
internal static class ConfinementTests
{
    public static void What_was_unmapped_is_out_of_reach(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var memory = Filled(edu, 0x11);
        var mapping = edu.Device.Dma.Map(memory, DmaDirection.Bidirectional);
        edu.Load(mapping.Address, 0, 64);
        mapping.Dispose();
        AssertNoWrite(guest, edu, mapping.Address + 64, memory, 0x11);
        AssertNoRead(guest, edu, mapping.Address + 128);
    }

    public static void What_may_be_read_cannot_be_written(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var memory = Filled(edu, 0x22);
        using var mapping = edu.Device.Dma.Map(memory, DmaDirection.ToDevice);
        // first: the emulated unit tells of no write to a page that it has in its cache for reading
        AssertNoWrite(guest, edu, mapping.Address + 192, memory, 0x22);
        edu.Load(mapping.Address, 0, 64);
    }

    public static void What_may_be_written_cannot_be_read(Guest guest)
    {
        if (guest.ReadsWhatItMayWrite)
            return;

        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var memory = Filled(edu, 0x23);
        using var mapping = edu.Device.Dma.Map(memory, DmaDirection.FromDevice);
        AssertNoRead(guest, edu, mapping.Address + 192);
        edu.Store(0, mapping.Address, 4); // zeros
        Check.That(!memory.Span[..4].ContainsAnyExcept((byte)0));
        AssertNoRead(guest, edu, mapping.Address + 256, isNamed: false); // now that the write is in the unit's cache
    }

    public static void What_lies_beside_a_mapping_is_out_of_reach(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var memory = edu.Device.Dma.Memory.Allocate(3 * 4096);
        memory.Span.Fill(0x33);
        using var mapping = edu.Device.Dma.Map(memory.Slice(4096, 4096), DmaDirection.Bidirectional);
        AssertNoWrite(guest, edu, mapping.Address + 4096, memory, 0x33);
        AssertNoWrite(guest, edu, mapping.Address - 4, memory, 0x33);
    }

    public static void The_rest_of_a_page_is_not_given_away(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var memory = Filled(edu, 0x44);
        edu.Load(Here(edu, 0x99, out var source), 0, 64);
        source.Dispose();
        using (var mapping = edu.Device.Dma.Map(memory.Slice(256, 64), DmaDirection.FromDevice))
            edu.Store(0, mapping.Address + 128, 4); // in the same page, where nothing was given to it
        Check.That(!memory.Span[..256].ContainsAnyExcept((byte)0x44) && !memory.Span[320..].ContainsAnyExcept((byte)0x44));
    }

    public static void What_belongs_to_another_device_is_out_of_reach(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var other = machine.Open(guest.Edus[1]).Device;
        var memory = other.Dma.Memory.Allocate(4096);
        memory.Span.Fill(0x55);
        var domain = other.Iommu!.Domain!;
        var foreign = new Iova(0x0765_4000);
        Check.Equal(Status.Ok, domain.Map(foreign, memory.Address, 4096, Protection.ReadWrite));
        AssertNoWrite(guest, edu, foreign, memory, 0x55);
        domain.Unmap(foreign, 4096);
    }

    public static void Physical_addresses_lead_nowhere(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var memory = Filled(edu, 0x66);
        var physical = PageMap.PhysicalOf(memory.Address);
        AssertNoWrite(guest, edu, new Iova(physical), memory, 0x66);
    }

    public static void What_lies_beyond_the_aperture_is_out_of_reach(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var domain = edu.Device.Iommu!.Domain!;
        if (domain.ApertureEnd.Value > ulong.MaxValue - (1UL << 32))
        {
            Check.That(guest.Kind is IommuKind.Virtio or IommuKind.Amd); // whose addresses have all bits
            return;
        }

        var memory = Filled(edu, 0x77);
        var mapping = new Iova(0x0345_6000);
        Check.Equal(Status.Ok, domain.Map(mapping, memory.Address, 4096, Protection.ReadWrite));
        Check.Equal(Status.OutOfRange, domain.Map(domain.ApertureEnd + 1, memory.Address, 4096, Protection.ReadWrite));
        // which an address that loses its high bits would hit
        AssertNoWrite(guest, edu, domain.ApertureEnd + 1 + mapping.Value, memory, 0x77, isNamed: false);
        domain.Unmap(mapping, 4096);
    }

    public static void A_part_that_was_cut_out_is_out_of_reach_and_the_rest_is_not(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var memory = edu.Device.Dma.Memory.Allocate(4 * 4096);
        memory.Span.Fill(0x88);
        var domain = edu.Device.Iommu!.Domain!;
        var start = new Iova(0x0456_0000);
        Check.Equal(Status.Ok, domain.Map(start, memory.Address, 4 * 4096, Protection.ReadWrite));
        Check.Equal(4096UL, domain.Unmap(start + 4096, 4096));
        edu.Load(start, 0, 64);
        AssertNoWrite(guest, edu, start + 4096 + 8, memory, 0x88);
        edu.Load(start + 8192, 0, 64);
        memory.Span.Clear();
        edu.Store(0, start + 8192, 64);
        edu.Store(0, start, 64);
        Check.That(!memory.Span.Slice(8192, 64).ContainsAnyExcept((byte)0x88) && !memory.Span[..64].ContainsAnyExcept((byte)0x88));
        Check.Equal(4096UL, domain.Unmap(start, 4096));
        Check.Equal(8192UL, domain.Unmap(start + 8192, 8192));
    }

    private static MemoryBlock Filled(EduClient edu, byte value)
    {
        var memory = edu.Device.Dma.Memory.Allocate(4096);
        memory.Span.Fill(value);
        return memory;
    }

    private static Iova Here(EduClient edu, byte value, out CoherentBuffer buffer)
    {
        buffer = edu.Device.Dma.Allocate(4096);
        buffer.Span.Fill(value);
        return buffer.Address;
    }

    /// <summary>A write of four bytes changes nothing, and the kernel's log names its address.</summary>
    private static void AssertNoWrite(Guest guest, EduClient edu, Iova address, MemoryBlock memory, byte value, bool isNamed = true)
    {
        edu.Load(Here(edu, 0xEE, out var source), 0, 64);
        source.Dispose();
        var log = new KernelLog();
        edu.TryStore(0, address, 4);
        Check.That(!memory.Span.ContainsAnyExcept(value), $"memory is untouched after a write to {address}");
        if (isNamed)
            AssertNamed(guest, log, address);
    }

    /// <summary>A read of four bytes brings nothing of what is there.</summary>
    private static void AssertNoRead(Guest guest, EduClient edu, Iova address, bool isNamed = true)
    {
        var log = new KernelLog();
        edu.TryLoad(address, 0, 4);
        using var result = edu.Device.Dma.Allocate(4096);
        result.Span.Fill(0xEE);
        edu.Store(0, result.Address, 4);
        Check.That(!result.Span[..4].ContainsAnyExcept((byte)0), $"a read of {address} brings zeros");
        if (isNamed)
            AssertNamed(guest, log, address);
    }

    /// <summary>The kernel's log names an address; not with AMD's unit as QEMU 7.2 emulates it, which never interrupts to tell of a
    /// fault.</summary>
    private static void AssertNamed(Guest guest, KernelLog log, Iova address) =>
        Check.That(guest.Kind == IommuKind.Amd || log.Naming(address).Any(),
            $"the kernel's log names {address}: {string.Join(" | ", log.Since())}");
}
