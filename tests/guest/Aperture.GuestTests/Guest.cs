using Aperture.Devices;
using Aperture.Drivers.Edu;
using Aperture.Linux;
using Aperture.Linux.Hosts;
using Aperture.Linux.Pci;

namespace Aperture.GuestTests;

/// <summary>The guest: its devices, and a machine made of them for one test.</summary>
internal sealed class Guest
{
    public Guest()
    {
        Host = new LinuxHost();
        Nvme = Host.Functions.First(function => function.Class >> 8 == 0x0108).Address;
        var edus = Host.Functions.Where(function => HostDevice.CompatibleOf(function.Vendor, function.Device) == "pci1234,11e8").ToArray();
        Edus = [.. edus.Where(function => !InSlot(function)).Select(function => function.Address)];
        Neighbour = edus.Single(InSlot).Address;

        bool InSlot(PciFunction function) => function.Address[..^1] == Nvme[..^1];
    }

    public LinuxHost Host { get; }

    /// <summary>The educational devices in groups of their own: the first has all address bits, the second the usual 28.</summary>
    public IReadOnlyList<string> Edus { get; }

    /// <summary>A disk, which has a kernel driver.</summary>
    public string Nvme { get; }

    /// <summary>Another educational device, in the disk's slot and group.</summary>
    public string Neighbour { get; }

    /// <summary>What stands between them and memory.</summary>
    public IommuKind Kind => Host.Find(Edus[0]).Iommu;

    /// <summary>Whether there is one at all. A device may come into its group only when it is bound.</summary>
    public bool HasIommu { get; } = Directory.Exists("/sys/class/iommu") && Directory.EnumerateFileSystemEntries("/sys/class/iommu").Any();

    /// <summary>Whether interrupt messages are isolated, as the kernel says by the names of interrupt controllers. It depends on the unit
    /// and on the kernel: virtio-iommu never does it, and Linux 7.3 does not with AMD's as QEMU describes it.</summary>
    public bool RemapsInterrupts { get; } = File.ReadAllText("/proc/interrupts").Contains(" IR-", StringComparison.Ordinal);

    /// <summary>Whether a device can read where it may only write. So it is behind Intel's unit up to Linux 6.12; 7.2 and 7.3 write other
    /// tables.</summary>
    public bool ReadsWhatItMayWrite => Kind == IommuKind.Intel && Environment.OSVersion.Version.Major < 7;

    /// <summary>Whether this guest also runs what takes long and need not be done in each: the variable <c>THOROUGH</c>.</summary>
    public bool IsThorough { get; } = Environment.GetEnvironmentVariable("THOROUGH") == "1";

    /// <summary>Whether this guest has what <see cref="UseTests"/> need, and plugs devices in: the variable <c>USES</c>. Neither
    /// depends on the IOMMU.</summary>
    public bool HasUses { get; } = Environment.GetEnvironmentVariable("USES") == "1";

    /// <summary>A machine without devices, with the educational devices' driver.</summary>
    public static HostMachine Machine(HostMachineOptions? options = null)
    {
        var machine = new HostMachine(options);
        machine.Drivers.Register(new EduDriver(addressBits: 64));
        return machine;
    }

    /// <summary>Opens an educational device in a machine.</summary>
    public EduClient Open(HostMachine machine, HostDeviceOptions? options = null, int index = 0)
    {
        var device = machine.Open(Edus[index], options);
        return Client(machine, device.Device);
    }

    /// <summary>What the driver made of an educational device. A look at the device costs more here than the guest's time, which jumps
    /// ahead.</summary>
    public static EduClient Client(HostMachine machine, Device device)
    {
        var client = device.Bound as EduClient ?? throw new CheckException(string.Join("; ", machine.Drivers.Log));
        client.Interval = TimeSpan.FromMilliseconds(50);
        return client;
    }

    /// <summary>Takes the educational devices in groups of their own.</summary>
    public void BindEdus()
    {
        foreach (var address in Edus)
            Host.Bind(address);
    }

    /// <summary>Brings the devices to where tests expect them, whatever one left behind.</summary>
    public void Restore()
    {
        foreach (var line in Host.Recover())
            Console.WriteLine($"        given back: {line}");
        foreach (var address in Edus.Where(address => !Host.Find(address).IsVfio))
        {
            try
            {
                Host.Bind(address);
            }
            catch (Core.ApertureException e)
            {
                Console.WriteLine($"        {e.Message}");
            }
        }
    }

    /// <summary>Takes the disk and its neighbour.</summary>
    public void BindSlot()
    {
        Host.Bind(Nvme);
        Host.Bind(Neighbour);
    }
}
