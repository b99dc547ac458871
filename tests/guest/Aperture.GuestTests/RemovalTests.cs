using Aperture.Linux;
using Aperture.Linux.Pci;

namespace Aperture.GuestTests;

/// <summary>A device that is unplugged while it is in use. On 458a36c the kernel waited for ever, and nobody was told.</summary>
internal static class RemovalTests
{
    private const string Monitor = "/dev/ttyS1";

    public static void A_device_that_is_unplugged_is_closed_and_everybody_is_told(Guest guest)
    {
        if (!CanPlug())
            return;
        var address = Plug(guest);
        guest.Host.Bind(address);
        var log = new ListLogger();
        using var machine = Guest.Machine(new HostMachineOptions { Logger = log });
        var device = machine.Open(address);
        var edu = Guest.Client(machine, device.Device);
        using var told = new ManualResetEventSlim();
        device.RemovalRequested += notice =>
        {
            Check.That(notice.Device == device && notice.Kind == DeviceNoticeKind.RemovalRequested && !notice.IsHandled);
            told.Set();
        };
        using (var buffer = edu.Device.Dma.Allocate(4096))
            edu.Load(buffer.Address, 0, 64);
        Tell("device_del hot");
        told.Wait();
        Wait(() => machine.Devices.Count == 0);
        Wait(() => guest.Host.Functions.All(function => function.Address != address)); // the kernel does not wait any more
        Check.Refused(Core.Status.IoError, () => device.Device.Registers[0].Read32(0), "the kernel wants it back");
        Check.That(log.Lines.Any(line => line.Contains($"{address}: the kernel wants it back", StringComparison.Ordinal)));
        Check.Equal($"{address}: gone", guest.Host.Recover().First(line => line.StartsWith(address, StringComparison.Ordinal)));
        guest.BindEdus();
    }

    public static void A_device_that_is_unplugged_is_closed_by_who_said_that_he_would(Guest guest)
    {
        if (!CanPlug())
            return;
        var address = Plug(guest);
        guest.Host.Bind(address);
        using var machine = Guest.Machine();
        var device = machine.Open(address);
        using var told = new ManualResetEventSlim();
        device.RemovalRequested += notice =>
        {
            notice.IsHandled = true;
            told.Set();
        };
        Tell("device_del hot");
        told.Wait();
        Check.Equal(0xEDu, device.Device.Registers[0].Read32(0) & 0xFF); // still ours
        machine.Close(device);
        Wait(() => guest.Host.Functions.All(function => function.Address != address));
        guest.Host.Recover();
        guest.BindEdus();
    }

    public static void A_device_whose_driver_is_taken_from_vfio_is_closed(Guest guest)
    {
        using var machine = Guest.Machine();
        guest.Open(machine);
        var device = machine.Devices[0];
        var unbind = new Thread(() => File.WriteAllText($"/sys/bus/pci/devices/{device.Address}/driver/unbind", device.Address));
        unbind.Start(); // it waits for the device
        unbind.Join();
        Check.Equal(0, machine.Devices.Count);
        guest.Host.Recover();
        guest.BindEdus();
    }

    /// <summary>Whether devices can be plugged in while the guest runs: its kernel must have a driver for that. With Linux 6.1 a device
    /// sometimes never comes or goes, behind any IOMMU, and the guest waits for ever (cause unknown).</summary>
    private static bool CanPlug()
    {
        const string Slots = "/sys/bus/pci/slots";
        return Environment.OSVersion.Version >= new Version(6, 2) && File.Exists(Monitor) && Directory.Exists(Slots)
            && Directory.EnumerateDirectories(Slots).Any();
    }

    private static string Plug(Guest guest)
    {
        var before = guest.Host.Functions.Select(function => function.Address).ToHashSet(StringComparer.Ordinal);
        Tell("device_add edu,id=hot,bus=hotslot,dma_mask=0xffffffffffffffff");
        Wait(() => guest.Host.Functions.Any(function => !before.Contains(function.Address)));
        return guest.Host.Functions.First(function => !before.Contains(function.Address)).Address;
    }

    private static unsafe void Tell(string command)
    {
        using var monitor = Linux.Native.Libc.Open(Monitor, Linux.Native.Libc.OpenReadWrite);
        fixed (byte* bytes = System.Text.Encoding.ASCII.GetBytes(command + '\n'))
            Check.Equal(command.Length + 1, Linux.Native.Libc.Write(monitor, bytes, (nuint)command.Length + 1));
    }

    /// <summary>Without a limit: the emulator takes orders in its own time, while the guest's may jump ahead by any amount.</summary>
    private static void Wait(Func<bool> holds) => SpinWait.SpinUntil(holds);
}
