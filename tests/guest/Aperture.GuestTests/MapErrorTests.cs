using Aperture.Core;
using Aperture.Linux.AddressSpaces;
using Aperture.Linux.Native;
using Aperture.Linux.Vfio;

namespace Aperture.GuestTests;

/// <summary>Every error number of maps and unmaps that a user can provoke, and what the message says.</summary>
internal static class MapErrorTests
{
    private const string EntryLimit = "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit";

    public static void EEXIST_and_EINVAL_for_maps(Guest guest)
    {
        using var machine = Guest.Machine();
        using var group = VfioGroup.Open(guest.Host.GroupOf(guest.Edus[0]));
        var memory = machine.Memory.Allocate(4 * 4096).Address;
        Check.Equal(Status.Ok, group.Map(new(0x10000), memory, 0x4000, Protection.ReadWrite));
        Check.Equal(Status.AlreadyExists, group.Map(new(0x12000), memory, 0x1000, Protection.ReadWrite));
        Check.Equal(Status.InvalidArgument, group.Map(new(0x20001), memory, 0x1000, Protection.ReadWrite));
        Check.Equal(Status.InvalidArgument, group.Map(new(0x20000), memory, 0, Protection.ReadWrite));
        Check.Equal(Status.InvalidArgument, group.Map(new(0x20000), memory, 0x1000, Protection.None));
        var wrapped = group.Map(new(ulong.MaxValue - 0xFFF), memory, 0x2000, Protection.Read);
        Check.That(wrapped is Status.InvalidArgument or Status.OutOfRange); // EOVERFLOW since Linux 7
        Check.Equal(Status.InvalidArgument, group.Map(new(0xFEE0_0000), memory, 0x1000, Protection.Read)); // interrupt messages
        Check.Equal(Status.InvalidArgument, group.Unmap(new(0x11000), 0x1000)); // would cut a mapping
        Check.Equal(Status.InvalidArgument, group.Unmap(new(0x10800), 0x1000));
        Check.Equal(Status.NotFound, group.Unmap(new(0x80000), 0x1000)); // nothing there, which the kernel takes for a success of no bytes
        Check.Equal(Status.Ok, group.Unmap(new(0x10000), 0x4000));
    }

    public static void The_same_by_the_domain_names_the_cause(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var domain = (HostDomain)edu.Device.Iommu!.Domain!;
        var memory = machine.Memory.Allocate(4096).Address;
        Check.Equal(Status.OutOfRange, domain.Map(new(0xFEE0_0000), memory, 0x1000, Protection.Read));
        Check.That(domain.Explain(Status.OutOfRange)!.Contains("0xfedfffff", StringComparison.Ordinal), domain.Explain(Status.OutOfRange)!);
        Check.Equal(Status.InvalidArgument, domain.Map(new(0x1800), memory, 0x1000, Protection.Read));
        Check.That(domain.Explain(Status.InvalidArgument)!.Contains("multiples of 0x1000", StringComparison.Ordinal));
    }

    public static unsafe void EFAULT_for_what_is_no_memory(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var domain = (HostDomain)edu.Device.Iommu!.Domain!;
        Check.Equal(Status.BadAddress, domain.Map(new(0x50_0000), new(0x1000), 0x1000, Protection.Read));
        var readOnly = Libc.Map(0, 4096, Libc.ProtRead, Libc.MapPrivate | Libc.MapAnonymous, -1, 0);
        Check.Equal(Status.BadAddress, domain.Map(new(0x50_0000), new((ulong)readOnly), 0x1000, Protection.Write));
        Check.That(domain.Explain(Status.BadAddress)!.Contains("not writable", StringComparison.Ordinal));
        Check.Equal(0, domain.Count);
        Libc.Unmap(readOnly, 4096);
    }

    public static void ENOMEM_beyond_the_limit_on_locked_memory(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var memory = machine.Memory.Allocate(1 << 20);
        Libc.GetLimit(Libc.LimitLockedMemory, out var before);
        OtherThread.Run(() =>
        {
            OtherThread.DropCapability(OtherThread.LockMemory);
            Check.Equal(0, Libc.SetLimit(Libc.LimitLockedMemory, before with { Current = 64 << 10 }));
            Check.Refused(
                Status.NoMemory, () => edu.Device.Dma.Map(memory, Dma.DmaDirection.ToDevice), "RLIMIT_MEMLOCK) is 64 KiB", "ulimit -l");
            edu.Device.Dma.Map(machine.Memory.Allocate(4096), Dma.DmaDirection.ToDevice).Dispose(); // less than that works
        });
        Check.Equal(0, Libc.SetLimit(Libc.LimitLockedMemory, before));
        edu.Device.Dma.Map(memory, Dma.DmaDirection.ToDevice).Dispose();
    }

    public static void ENOSPC_when_the_mappings_are_used_up(Guest guest)
    {
        var before = File.ReadAllText(EntryLimit);
        Check.Equal("65535", before.Trim());
        File.WriteAllText(EntryLimit, "16");
        using (var machine = Guest.Machine())
        {
            var edu = guest.Open(machine);
            var dma = edu.Device.Dma;
            var block = machine.Memory.Allocate(64 * 4096);
            var pages = Enumerable.Range(0, 64).Select(page => block.Slice(page * 4096, 4096)).ToArray();
            dma.MapScatter(pages, new Dma.DmaSegment[64], Dma.DmaDirection.ToDevice).Dispose(); // neighbours are one mapping
            var scattered = pages.Where((_, page) => page % 2 == 0).ToArray();
            Check.Refused(Status.NoSpace, () => dma.MapScatter(scattered, new Dma.DmaSegment[32], Dma.DmaDirection.ToDevice),
                "dma_entry_limit");
            Check.Equal(0, ((HostDomain)edu.Device.Iommu!.Domain!).Count);
            dma.MapScatter(scattered.AsSpan(0, 16), new Dma.DmaSegment[16], Dma.DmaDirection.ToDevice).Dispose();
        }

        File.WriteAllText(EntryLimit, before);
    }

    public static void ENOSPC_at_the_real_limit(Guest guest)
    {
        const int Limit = 65_535;
        if (!guest.IsThorough)
            return; // it takes seconds
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var dma = edu.Device.Dma;
        var domain = (HostDomain)edu.Device.Iommu!.Domain!;
        var block = machine.Memory.Allocate(64 * 4096);
        new Random(7).NextBytes(block.Span[..2000]);
        Check.Equal(0, domain.Count);
        for (var i = 0; i < Limit; i++)
            Check.Equal(Status.Ok, domain.Map(At(i), block.Address + ((ulong)i % 2 << 12), 4096, Protection.ReadWrite), "mapping");
        Check.Equal(Status.NoSpace, domain.Map(At(Limit), block.Address, 4096, Protection.ReadWrite));
        Check.Refused(Status.NoSpace, () => dma.Map(block, Dma.DmaDirection.ToDevice), $"has {Limit} mappings and takes no more",
            "map larger pieces, or raise dma_entry_limit");
        Check.Equal(Limit, domain.Count);
        edu.Load(At(0), 0, 2000); // the first still works, and the last
        edu.Store(0, At(Limit - 2) + 2048, 2000);
        Check.That(block.Span.Slice(2048 + 4096, 2000).SequenceEqual(block.Span[..2000]));

        // Room for one: neighbours are one, others are not.
        Check.Equal(4096UL, domain.Unmap(At(1), 4096));
        var pages = Enumerable.Range(0, 64).Select(page => block.Slice(page * 4096, 4096)).ToArray();
        dma.MapScatter(pages, new Dma.DmaSegment[64], Dma.DmaDirection.ToDevice).Dispose();
        Check.Refused(Status.NoSpace, () => dma.MapScatter([pages[0], pages[2]], new Dma.DmaSegment[2], Dma.DmaDirection.ToDevice),
            "mappings and takes no more");
        Check.Equal(Limit - 1, domain.Count);

        static Iova At(int number) => new(0x10_0000_0000 + ((ulong)number * 8192));
    }
}
