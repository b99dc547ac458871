using Aperture.Drivers.Edu;
using Aperture.Linux;
using Aperture.Linux.Hosts;
using Aperture.Linux.Pci;

namespace Aperture.GuestTests;

/// <summary>The guest: its devices, and a machine made of them for one test.</summary>
internal sealed class Guest
{
    public const string EduId = "pci1234,11e8";

    public Guest()
    {
        Host = new LinuxHost();
        Edus = [.. Host.Functions.Where(function => HostDevice.CompatibleOf(function.Vendor, function.Device) == EduId).Select(function => function.Address)];
        Nvme = Host.Functions.First(function => function.Class >> 8 == 0x0108).Address;
        Kind = Host.Find(Edus[0]).Iommu;
    }

    public LinuxHost Host { get; }

    /// <summary>The educational devices: the first has all address bits, the second the usual 28.</summary>
    public IReadOnlyList<string> Edus { get; }

    /// <summary>A disk, which has a kernel driver.</summary>
    public string Nvme { get; }

    /// <summary>What stands between them and memory.</summary>
    public IommuKind Kind { get; }

    /// <summary>A machine with the first device, its driver bound.</summary>
    public static HostMachine Machine(HostMachineOptions? options = null)
    {
        var machine = new HostMachine(options);
        machine.Drivers.Register(new EduDriver(addressBits: 64));
        return machine;
    }

    /// <summary>Opens the first device in a machine.</summary>
    public EduClient Open(HostMachine machine, HostDeviceOptions? options = null)
    {
        var device = machine.Open(Edus[0], options);
        return device.Device.Bound as EduClient ?? throw new CheckException(string.Join("; ", machine.Drivers.Log));
    }
}
