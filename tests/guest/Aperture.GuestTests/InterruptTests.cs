using Aperture.Linux.Pci;

namespace Aperture.GuestTests;

/// <summary>Interrupts by message, by table and by pin.</summary>
internal static class InterruptTests
{
    public static void Messages_come(Guest guest) => Come(guest, InterruptKind.Msi);

    public static void The_pin_comes_again_and_again(Guest guest) => Come(guest, InterruptKind.Pin);

    public static void The_best_kind_is_chosen(Guest guest)
    {
        using var machine = Guest.Machine();
        guest.Open(machine);
        Check.Equal(InterruptKind.Msi, machine.Devices[0].Interrupts);
    }

    public static void A_kind_that_a_device_lacks_is_refused(Guest guest)
    {
        using var machine = Guest.Machine();
        Check.Refused(Core.Status.NotSupported, () => guest.Open(machine, new HostDeviceOptions { Interrupts = InterruptKind.Msix }),
            "no interrupts of kind Msix");
        Check.Equal(0, machine.Devices.Count);
        guest.Open(machine); // nothing was left open
    }

    public static void The_next_one_can_be_awaited(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var next = edu.Device.Interrupts[0].NextAsync();
        Check.That(!next.IsCompleted);
        edu.RaiseInterrupt(4);
        next.Wait();
    }

    private static void Come(Guest guest, InterruptKind kind)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine, new HostDeviceOptions { Interrupts = kind });
        Check.Equal(kind, machine.Devices[0].Interrupts);
        for (var i = 1u; i <= 50; i++)
        {
            edu.RaiseInterrupt(i);
            Check.Equal((ulong)i, edu.Interrupts);
        }
    }
}
