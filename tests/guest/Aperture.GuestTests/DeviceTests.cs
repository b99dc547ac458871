using Aperture.Core;
using Aperture.Linux.Pci;

namespace Aperture.GuestTests;

/// <summary>Registers, configuration space, reset, bus mastering; with a disk's controller, which has MSI-X and a reset of its
/// own.</summary>
internal static class DeviceTests
{
    public static void Registers_have_the_width_that_was_asked_for(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var registers = edu.Device.Registers[0];
        Check.Equal(1UL << 20, registers.Size);
        for (var i = 0; i < 100_000; i++)
        {
            // A comparison of one bit must not become an access of one byte, which this device does not answer.
            Check.That((registers.Read32(0) & 1) != 0 && (registers.Read32(0) & 0xFF) == 0xED);
        }

        registers.Write64(0x80, 0x1234_5678_9ABC_DEF0);
        Check.Equal(0x1234_5678_9ABC_DEF0UL, registers.Read64(0x80));
    }

    public static void What_is_not_there_does_not_answer(Guest guest)
    {
        using var machine = Guest.Machine();
        var registers = guest.Open(machine).Device.Registers[0];
        foreach (var offset in new uint[] { 1, 2, 0xF_FFFE, 0x10_0000, uint.MaxValue - 3 })
            Check.Refused(Status.IoError, () => registers.Read32(offset));
        Check.Refused(Status.IoError, () => registers.Write64(0x84, 0));
        machine.Close(machine.Devices[0]);
        Check.Refused(Status.IoError, () => registers.Read32(0)); // and is no crash of the process
    }

    public static void A_read_while_decoding_is_off_or_in_D3_is_refused_and_no_crash(Guest guest)
    {
        guest.BindSlot();
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        RefusedWhile(edu.Device.Registers[0], machine.Devices[0].Configuration, 4, 0, "memory decoding is off");
        Check.Equal(0xEDu, edu.Device.Registers[0].Read32(0) & 0xFF);
        var disk = machine.Open(guest.Nvme);
        var power = PowerControlOf(disk.Configuration);
        RefusedWhile(disk.Device.Registers[0], disk.Configuration, power, 3, "low-power state");
        Check.That((disk.Device.Registers[0].Read64(Nvme.Capabilities) & 0xFFFF) > 0);
    }

    public static void A_read_on_another_thread_while_decoding_goes_and_the_device_closes_is_no_crash(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var registers = edu.Device.Registers[0];
        var configuration = machine.Devices[0].Configuration;
        var command = configuration.Read16(4);
        var refusals = 0;
        var reader = new Thread(() =>
        {
            while (true)
            {
                try
                {
                    registers.Read32(0);
                }
                catch (Aperture.Devices.BusErrorException e)
                {
                    Interlocked.Increment(ref refusals);
                    if (e.Message.Contains("closed", StringComparison.Ordinal))
                        return;
                }
            }
        });
        reader.Start();
        for (var i = 0; i < 200; i++)
        {
            configuration.Write16(4, (ushort)(command & ~2));
            configuration.Write16(4, command);
        }

        machine.Close(machine.Devices[0]);
        reader.Join();
        Check.That(refusals > 0);
    }

    public static void Configuration_space_can_be_read(Guest guest)
    {
        using var machine = Guest.Machine();
        guest.Open(machine);
        var configuration = machine.Devices[0].Configuration;
        Check.Equal(0x1234, configuration.Vendor);
        Check.Equal(0x11E8, configuration.DeviceId);
        Check.Equal(0x11E8_1234u, configuration.Registers.Read32(0));
        Check.That(configuration.Registers.Size is 256 or 4096);
    }

    public static void A_device_is_bus_master_while_its_driver_has_it(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var configuration = machine.Devices[0].Configuration;
        Check.That(configuration.IsBusMaster);
        machine.Drivers.Unbind(edu.Device);
        Check.That(!configuration.IsBusMaster);
        Check.That(machine.Drivers.Bind(edu.Device));
        Check.That(configuration.IsBusMaster);
    }

    public static void A_reset_brings_the_registers_back_to_their_first_state(Guest guest)
    {
        guest.BindSlot();
        using var machine = Guest.Machine();
        var disk = machine.Open(guest.Nvme);
        var registers = disk.Device.Registers[0];
        Check.That(disk.CanReset);
        Nvme.Enable(registers, default, default);
        Check.Equal(1u, registers.Read32(Nvme.Status) & 1);
        disk.Reset();
        Check.Equal(0u, registers.Read32(Nvme.Status) & 1);
        Check.Equal(0u, registers.Read32(Nvme.Configuration) & 1);
        Check.That((registers.Read64(Nvme.Capabilities) & 0xFFFF) > 0);
    }

    private static void RefusedWhile(
        Aperture.Devices.RegisterRegion registers, PciConfiguration configuration, uint offset, ushort value, string reason)
    {
        var before = configuration.Read16(offset);
        configuration.Write16(offset, (ushort)((before & ~3) | value));
        Check.Refused(Status.IoError, () => registers.Read32(0), reason);
        Check.Refused(Status.IoError, () => registers.Write32(0, 0), reason);
        configuration.Write16(offset, before);
    }

    private static uint PowerControlOf(PciConfiguration configuration)
    {
        uint at = (uint)configuration.Read16(0x34) & 0xFC;
        while (at != 0 && (configuration.Read16(at) & 0xFF) != 1)
            at = (uint)configuration.Read16(at) >> 8 & 0xFC;
        Check.That(at != 0, "the function has power management");
        return at + 4;
    }

    public static void A_disk_does_dma_and_sends_messages_by_table(Guest guest)
    {
        guest.BindSlot();
        using var machine = Guest.Machine();
        machine.Drivers.Register(new Nvme());
        var disk = machine.Open(guest.Nvme, new HostDeviceOptions { MaxInterrupts = 4 });
        Check.Equal(InterruptKind.Msix, disk.Interrupts);
        Check.Equal(4, disk.Device.Interrupts.Count);
        var nvme = disk.Device.Bound as Nvme.Controller ?? throw new CheckException(string.Join("; ", machine.Drivers.Log));
        Check.Equal("disk0", nvme.Serial());
    }
}
