using Aperture.Core;
using Aperture.Linux.Native;
using Aperture.Linux.Pci;
using Aperture.Linux.Vfio;
using Aperture.Linux.Vfio.Abi;

namespace Aperture.GuestTests;

/// <summary>Every error number of an open device that a user can provoke, and what the message says.</summary>
internal static class DeviceErrorTests
{
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
        if (Environment.OSVersion.Version.Major < 7) // later ones accept it for a function that is not PCI Express, too
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

    public static void EINVAL_for_a_reset_that_there_is_not(Guest guest)
    {
        using (var machine = Guest.Machine())
        {
            guest.Open(machine);
            Check.That(!machine.Devices[0].CanReset);
            Check.Refused(Status.NotSupported, machine.Devices[0].Reset, "no reset of its own");
        }

        using var group = VfioGroup.Open(guest.Host.GroupOf(guest.Edus[0]));
        using var device = group.OpenDevice(guest.Edus[0]);
        Check.Equal(Errno.Invalid, Raw.Call(device.File, VfioIoctl.DeviceReset, 0)); // what the library would have got
    }

    public static void EINVAL_for_interrupts_that_there_are_not(Guest guest)
    {
        using var group = VfioGroup.Open(guest.Host.GroupOf(guest.Edus[0]));
        using var device = group.OpenDevice(guest.Edus[0]);
        using var file = InterruptPump.CreateEvent();
        Check.Equal(1u, device.Interrupts(VfioInterruptIndex.Msi).Count);
        Check.Refused(Status.InvalidArgument, () => device.SetTriggers(VfioInterruptIndex.Msi, [file, file]), "2 interrupts of kind Msi",
            "HostDeviceOptions");
        // it has none
        Check.Refused(Status.InvalidArgument, () => device.SetTriggers(VfioInterruptIndex.Msix, [file]), "1 interrupts of kind Msix");
        Check.Refused(Status.InvalidArgument, () => device.Interrupts((VfioInterruptIndex)5), "interrupts of kind 5");
        device.SetTriggers(VfioInterruptIndex.Msi, [file]); // what was refused left nothing behind
    }

    public static void EAGAIN_for_a_reset_while_somebody_else_resets_the_device(Guest guest)
    {
        guest.BindSlot();
        using var machine = Guest.Machine();
        var disk = machine.Open(guest.Nvme);
        var resets = 0;
        var ends = false;
        var other = new Thread(() =>
        {
            while (!Volatile.Read(ref ends))
            {
                File.WriteAllText($"/sys/bus/pci/devices/{guest.Nvme}/reset", "1");
                Interlocked.Increment(ref resets);
            }
        });
        other.Start();
        ApertureException? refusal = null;
        while (refusal is null && Volatile.Read(ref resets) < 100)
        {
            try
            {
                disk.Reset();
            }
            catch (ApertureException e)
            {
                refusal = e;
            }
        }

        Volatile.Write(ref ends, true);
        other.Join();
        Check.Refused(Status.Busy, () => throw refusal ?? new ApertureException(Status.Ok, "all went well"), "a reset", "busy; try again");
        disk.Reset();
    }
}
