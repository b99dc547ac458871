using Aperture.Core;
using Aperture.Linux.AddressSpaces;
using Aperture.Linux.Hosts;
using Aperture.Linux.Native;
using Aperture.Linux.Pci;
using Aperture.Linux.Vfio;
using Aperture.Linux.Vfio.Abi;

namespace Aperture.GuestTests;

/// <summary>Every error number of the kernel that a user can provoke, and what the message says.</summary>
internal static class ErrorTests
{
    public const string UnsafeInterrupts = "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";
    private const string EntryLimit = "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit";

    public static void EPERM_without_isolated_interrupts(Guest guest)
    {
        if (guest.Kind != IommuKind.Virtio)
            return; // the others remap interrupts
        File.WriteAllText(UnsafeInterrupts, "N");
        using (var machine = Guest.Machine())
            Check.Refused(Status.NotPermitted, () => guest.Open(machine), "allow_unsafe_interrupts");
        Check.That(guest.Host.Explain(guest.Edus[0]).Any(problem => problem.Code == HostProblemCode.UnsafeInterrupts));
        File.WriteAllText(UnsafeInterrupts, "Y");
    }

    public static void EACCES_without_permission(Guest guest)
    {
        var group = guest.Host.GroupOf(guest.Edus[0]);
        OtherThread.Run(() =>
        {
            OtherThread.BecomeUser(1000);
            Check.Refused(Status.NotPermitted, () => VfioGroup.Open(group), "permission is missing", $"chown $USER /dev/vfio/{group}");
        });
        OtherThread.Run(() =>
        {
            OtherThread.BecomeUser(1000);
            Check.Refused(Status.NotPermitted, () => guest.Host.Bind(guest.Nvme), "run as root");
        });
    }

    public static void EBUSY_for_a_group_that_is_open(Guest guest)
    {
        using var machine = Guest.Machine();
        guest.Open(machine);
        using var other = Guest.Machine();
        Check.Refused(Status.Busy, () => guest.Open(other), "another process has it open");
    }

    public static void ENOENT_for_a_group_that_nobody_gave_to_vfio(Guest guest) =>
        Check.Refused(Status.NotFound, () => VfioGroup.Open(4711), "aperture host bind");

    public static void ENODEV_for_a_device_of_another_group(Guest guest)
    {
        using var group = VfioGroup.Open(guest.Host.GroupOf(guest.Edus[0]));
        Check.Refused(Status.NoDevice, () => group.OpenDevice(guest.Edus[1]), "not in the group");
    }

    public static void EEXIST_and_EINVAL_for_maps(Guest guest)
    {
        using var machine = Guest.Machine();
        using var group = VfioGroup.Open(guest.Host.GroupOf(guest.Edus[0]));
        var memory = machine.Memory.Allocate(4 * 4096).Address.Value;
        Check.Equal(Status.Ok, group.Map(new(0x10000), memory, 0x4000, Protection.ReadWrite));
        Check.Equal(Status.AlreadyExists, group.Map(new(0x12000), memory, 0x1000, Protection.ReadWrite));
        Check.Equal(Status.InvalidArgument, group.Map(new(0x20001), memory, 0x1000, Protection.ReadWrite));
        Check.Equal(Status.InvalidArgument, group.Map(new(0x20000), memory, 0, Protection.ReadWrite));
        Check.Equal(Status.InvalidArgument, group.Map(new(0x20000), memory, 0x1000, Protection.None));
        Check.Equal(Status.InvalidArgument, group.Map(new(ulong.MaxValue - 0xFFF), memory, 0x2000, Protection.Read));
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
            Check.Refused(Status.NoMemory, () => edu.Device.Dma.Map(memory, Dma.DmaDirection.ToDevice), "RLIMIT_MEMLOCK) is 64 KiB", "ulimit -l");
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
            Check.Refused(Status.NoSpace, () => dma.MapScatter(scattered, new Dma.DmaSegment[32], Dma.DmaDirection.ToDevice), "dma_entry_limit");
            Check.Equal(0, ((HostDomain)edu.Device.Iommu!.Domain!).Count);
            dma.MapScatter(scattered.AsSpan(0, 16), new Dma.DmaSegment[16], Dma.DmaDirection.ToDevice).Dispose();
        }

        File.WriteAllText(EntryLimit, before);
    }

    public static void EINVAL_for_interrupts_of_two_kinds_at_once(Guest guest)
    {
        using var group = VfioGroup.Open(guest.Host.GroupOf(guest.Edus[0]));
        using var device = group.OpenDevice(guest.Edus[0]);
        using var file = InterruptPump.CreateEvent();
        device.SetTriggers(VfioInterruptIndex.Intx, [file]);
        Check.Refused(Status.InvalidArgument, () => device.SetTriggers(VfioInterruptIndex.Msi, [file]), "refuses 1 interrupts of kind Msi");
        device.ClearTriggers(VfioInterruptIndex.Intx);
        device.SetTriggers(VfioInterruptIndex.Msi, [file]);
        Check.Refused(Status.NotSupported, () => device.Unmask(VfioInterruptIndex.Msi)); // ENOTTY
        Check.Refused(Status.InvalidArgument, () => device.SetTriggers(VfioInterruptIndex.Error, [file]));
        device.ClearTriggers(VfioInterruptIndex.Msi);
    }

    public static void EINVAL_for_regions_that_there_are_not(Guest guest)
    {
        using var group = VfioGroup.Open(guest.Host.GroupOf(guest.Edus[0]));
        using var device = group.OpenDevice(guest.Edus[0]);
        Check.Refused(Status.InvalidArgument, () => device.Region((VfioRegion)100, out _), "region 100");
        Check.Equal(0UL, device.Region((VfioRegion)3, out _).Size);
    }

    public static void A_device_without_a_reset_of_its_own_says_so(Guest guest)
    {
        using var machine = Guest.Machine();
        guest.Open(machine);
        var device = machine.Devices[0];
        if (device.CanReset)
            device.Reset();
        else
            Check.Refused(Status.NotSupported, device.Reset, "no reset of its own");
    }
}
