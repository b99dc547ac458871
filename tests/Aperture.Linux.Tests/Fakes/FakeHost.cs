using Aperture.Core;
using Aperture.Linux.Hosts;

namespace Aperture.Linux.Tests.Fakes;

/// <summary>A file system like that of a host, in a directory, and a stand-in for its kernel that reacts to what is written.</summary>
internal sealed class FakeHost : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("aperture").FullName;

    public FakeHost()
    {
        foreach (var driver in new[] { "vfio-pci", "nvme", "e1000e" })
            Directory.CreateDirectory(At($"sys/bus/pci/drivers/{driver}"));
        Write("sys/bus/pci/drivers_probe", "");
        Write("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N");
        Write("proc/interrupts", "  0:  1  IR-IO-APIC  2-edge  timer");
        Write("proc/self/status", "Name: x\nCapEff:\t000001ffffffffff\n");
        Write("proc/self/mountinfo", "");
        Write("proc/swaps", "");
        Calls = new FakeCalls(_root, Events);
        Host = new LinuxHost(new HostFiles(_root) { Wrote = React, Calls = Calls }, Log);
    }

    public LinuxHost Host { get; }

    public FakeLogger Log { get; } = new();

    public FakeCalls Calls { get; }

    /// <summary>Claims of disks, and what was written to drivers, in order.</summary>
    public List<string> Events { get; } = [];

    /// <summary>What was written into the kernel's files, in order.</summary>
    public List<string> Written { get; } = [];

    /// <summary>Which writes the kernel refuses, by path and text.</summary>
    public Func<string, string, bool> Fails { get; set; } = (_, _) => false;

    /// <summary>Drivers that fail to take a device.</summary>
    public HashSet<string> Broken { get; } = [];

    /// <summary>What drivers the devices have when nobody says otherwise.</summary>
    public Dictionary<string, string> Natural { get; } = [];

    public string Journal => File.ReadAllText(At("run/aperture/bound"));

    public string At(string path) => Path.Join(_root, path);

    public void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(path))!);
        File.WriteAllText(At(path), text);
    }

    public void Link(string path, string target)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(path))!);
        File.CreateSymbolicLink(At(path), target);
    }

    public void Add(string address, string ids, string kind, int? group, string? driver = null)
    {
        var path = $"sys/bus/pci/devices/{address}";
        Write($"{path}/vendor", $"0x{ids[..4]}\n");
        Write($"{path}/device", $"0x{ids[5..]}\n");
        Write($"{path}/class", $"0x{kind}\n");
        Write($"{path}/driver_override", "(null)\n");
        if (group is not null)
        {
            Link($"{path}/iommu_group", $"../../../kernel/iommu_groups/{group}");
            Link($"{path}/iommu", "../../../virtual/iommu/dmar0");
            Link($"sys/kernel/iommu_groups/{group}/devices/{address}", $"../../../../bus/pci/devices/{address}");
        }

        if (driver is null)
            return;
        Natural[address] = driver;
        BindTo(address, driver);
        if (kind.StartsWith("02", StringComparison.Ordinal))
            Link($"{path}/net/eth{address[6]}/subsystem", "../../../class/net");
    }

    /// <summary>Adds a disk or, below a disk, a partition.</summary>
    public void AddDisk(string path, string number, bool isPartition = false)
    {
        Write($"{path}/dev", $"{number}\n");
        Write($"{path}/uevent", $"MAJOR={number.Split(':')[0]}\nDEVNAME={Path.GetFileName(path)}\nDEVTYPE=disk\n");
        Link($"{path}/subsystem", "../../../class/block");
        if (isPartition)
            Write($"{path}/partition", "1\n");
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private void BindTo(string address, string driver)
    {
        Link($"sys/bus/pci/devices/{address}/driver", $"../../drivers/{driver}");
        Write($"sys/bus/pci/drivers/{driver}/unbind", "");
    }

    /// <summary>What the kernel does for a function without an IOMMU in no-IOMMU mode. It goes with the driver, which this does not
    /// do.</summary>
    private void MakeUpGroup(string address)
    {
        Link($"sys/bus/pci/devices/{address}/iommu_group", "../../../kernel/iommu_groups/7");
        Link($"sys/kernel/iommu_groups/7/devices/{address}", $"../../../../bus/pci/devices/{address}");
        Write("dev/vfio/noiommu-7", "");
    }

    private void React(string path, string text)
    {
        if (Fails(path, text))
            throw new ApertureException(Status.IoError, $"/{path} does not take '{text.Trim()}'");
        Written.Add($"{path.Replace("sys/bus/pci/", "", StringComparison.Ordinal)} {text.Trim()}");
        Events.Add(Path.GetFileName(path));
        File.WriteAllText(At(path), text); // such files take a text as a whole
        if (path.EndsWith("/driver/unbind", StringComparison.Ordinal))
            File.Delete(At($"sys/bus/pci/devices/{text}/driver"));
        if (path != "sys/bus/pci/drivers_probe")
            return;
        if (new FileInfo(At($"sys/bus/pci/devices/{text}/driver")).LinkTarget is not null)
            return;
        var wanted = File.ReadAllText(At($"sys/bus/pci/devices/{text}/driver_override")).Trim();
        var driver = wanted is "" or "(null)" ? Natural.GetValueOrDefault(text) : wanted;
        if (driver is null || Broken.Contains(driver))
            return;
        BindTo(text, driver);
        var made = new FileInfo(At($"sys/bus/pci/devices/{text}/iommu_group")).LinkTarget;
        if (driver == LinuxHost.VfioDriver && made is null && File.Exists(At(NoIommuMode.Parameter)))
            MakeUpGroup(text);
    }
}
