using Aperture.Core;
using Aperture.Linux.Hosts;
using Aperture.Linux.Tests.Fakes;

namespace Aperture.Linux.Tests.Hosts;

public sealed class LinuxHostTests : IDisposable
{
    private const string Disk = "0000:01:00.0";

    private readonly FakeHost _fake = new();

    public LinuxHostTests() => _fake.Add(Disk, "1b36:0010", "010802", 5, "nvme");

    private LinuxHost Host => _fake.Host;

    public void Dispose() => _fake.Dispose();

    [Fact]
    public void Lists_what_is_there()
    {
        _fake.Add("0000:00:00.0", "8086:29c0", "060000", null);
        Assert.Equal(["0000:00:00.0", Disk], Host.Functions.Select(function => function.Address));
        Assert.Equal(new PciFunction(Disk, 0x1b36, 0x0010, 0x010802, "nvme", null, 5, IommuKind.Intel), Host.Find("01:00.0"));
        Assert.Equal(IommuKind.None, Host.Functions[0].Iommu);
        Assert.Equal(5, Host.GroupOf(Disk));
        Assert.Equal([Disk], Host.FunctionsOf(5).Select(function => function.Address));
    }

    [Fact]
    public void Knows_a_virtual_machines_iommu_by_its_device()
    {
        _fake.Add("0000:00:02.0", "1af4:1057", "080600", null);
        File.Delete(_fake.At($"sys/bus/pci/devices/{Disk}/iommu"));
        _fake.Link($"sys/bus/pci/devices/{Disk}/iommu", "../0000:00:02.0/virtio0/iommu/0000:00:02.0");
        Assert.Equal(IommuKind.Virtio, Host.Find(Disk).Iommu);
    }

    [Theory]
    [InlineData("01:00.1")]
    [InlineData("../../kernel")]
    [InlineData("")]
    public void Names_a_function_that_is_not_there(string address) =>
        Assert.Equal(Status.NoDevice, Assert.Throws<ApertureException>(() => Host.Find(address)).Status);

    [Fact]
    public void Reads_reserved_ranges()
    {
        _fake.Write("sys/kernel/iommu_groups/5/reserved_regions",
            "0x00000000fee00000 0x00000000feefffff msi\n0x000000007b000000 0x000000007fffffff direct\n");
        Assert.Equal(["msi [0xfee00000, 0xfeefffff]", "direct [0x7b000000, 0x7fffffff]"], Host.ReservedRanges(5)
            .Select(range => $"{range.Kind} {range.Range}"));
        Assert.Empty(Host.ReservedRanges(6));
    }

    [Fact]
    public void Nothing_is_in_the_way_of_a_free_device() => Assert.Empty(Host.Explain(Disk));

    [Fact]
    public void Says_that_there_is_no_iommu()
    {
        _fake.Add("0000:00:1f.0", "8086:1234", "020000", null);
        AssertProblem("0000:00:1f.0", HostProblemCode.NoIommu, "no IOMMU is in front of 0000:00:1f.0", "intel_iommu=on");
        Assert.Contains("intel_iommu=on", Assert.Throws<ApertureException>(() => Host.GroupOf("0000:00:1f.0")).Message);
    }

    [Fact]
    public void A_device_that_is_in_no_group_yet_may_come_into_one()
    {
        _fake.Add("0000:00:1f.0", "8086:1234", "020000", null);
        Directory.CreateDirectory(_fake.At("sys/class/iommu/virtio0"));
        AssertProblem("0000:00:1f.0", HostProblemCode.NoIommu, "is in no IOMMU group", "binding it", isFatal: false);
        Host.Bind("0000:00:1f.0");
        Assert.True(Host.Find("0000:00:1f.0").IsVfio);
    }

    [Fact]
    public void Says_which_modules_are_missing()
    {
        Directory.Delete(_fake.At("sys/bus/pci/drivers/vfio-pci"));
        Directory.Delete(_fake.At("sys/module/vfio_iommu_type1"), recursive: true);
        AssertProblem(Disk, HostProblemCode.ModuleMissing, "vfio-pci is not loaded", "modprobe vfio-pci");
        Assert.Contains(Host.Explain(Disk), problem => problem.Remedy == "modprobe vfio_iommu_type1");
    }

    [Fact]
    public void Says_which_other_devices_of_the_group_are_in_the_way()
    {
        _fake.Add("0000:01:00.1", "8086:1111", "020000", 5, "e1000e");
        _fake.Add("0000:00:1c.0", "8086:2222", "060400", 5, "pcieport");
        _fake.Add("0000:01:00.2", "8086:3333", "020000", 5);
        AssertProblem(Disk, HostProblemCode.GroupNotViable, "group 5 is not viable: kernel drivers hold 0000:01:00.1 (e1000e)",
            "aperture host bind 0000:01:00.1");
    }

    [Fact]
    public void Refuses_bridges_and_functions_with_virtual_ones()
    {
        _fake.Add("0000:00:1c.0", "8086:2222", "060400", 7, "pcieport");
        AssertProblem("0000:00:1c.0", HostProblemCode.NotAnEndpoint, "is a bridge", "behind it");
        _fake.Write($"sys/bus/pci/devices/{Disk}/sriov_numvfs", "4\n");
        AssertProblem(Disk, HostProblemCode.NotAnEndpoint, "has 4 virtual functions", "echo 0");
    }

    [Fact]
    public void Says_that_the_group_cannot_be_opened()
    {
        Host.Bind(Disk); // and there is no file for the group
        AssertProblem(Disk, HostProblemCode.NoPermission, "/dev/vfio/5 cannot be opened", "chown $USER /dev/vfio/5");
    }

    [Fact]
    public void Says_that_interrupts_are_not_isolated()
    {
        _fake.Write("proc/interrupts", "  0:  1  IO-APIC  2-edge  timer");
        AssertProblem(Disk, HostProblemCode.UnsafeInterrupts, "isolated", "allow_unsafe_interrupts", isFatal: false);
        _fake.Write("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y");
        Assert.Empty(Host.Explain(Disk));
    }

    [Theory]
    [InlineData("sys/bus/pci/devices/0000:01:00.0/net/eth7/flags", "0x1003", "network interface eth7 is up")]
    [InlineData("sys/bus/pci/devices/0000:01:00.0/boot_vga", "1", "it shows the console")]
    [InlineData("proc/self/mountinfo", "36 35 259:1 / /home rw - ext4 /dev/nvme0n1p1 rw", "nvme0n1p1 is mounted at /home")]
    [InlineData("proc/self/mountinfo", "36 35 259:9 / /data rw - ext4 /dev/nvme0n2 rw", "nvme0n2 is mounted at /data")]
    [InlineData("proc/swaps", "Filename Type\n/dev/nvme0n1 partition 100 0 -2", "the system swaps to nvme0n1")]
    [InlineData("sys/bus/pci/devices/0000:01:00.0/nvme/nvme0/nvme0n1/holders/dm-0", "", "nvme0n1 is part of dm-0")]
    public void Sees_who_uses_a_device(string path, string text, string use)
    {
        var controller = $"sys/bus/pci/devices/{Disk}/nvme/nvme0";
        _fake.Link($"{controller}/subsystem", "../../../class/nvme");
        _fake.Link($"{controller}/device", "..");
        _fake.AddDisk($"{controller}/nvme0n1", "259:0");
        _fake.AddDisk($"{controller}/nvme0n1/nvme0n1p1", "259:1", isPartition: true);
        _fake.AddDisk("sys/class/nvme-subsystem/nvme-subsys0/nvme0n2", "259:9"); // one with several paths
        _fake.Link("sys/class/nvme-subsystem/nvme-subsys0/nvme0", "../../somewhere/nvme0");
        _fake.Link($"sys/bus/pci/devices/{Disk}/net/eth7/subsystem", "../../../class/net");
        Assert.Null(Host.UseOf(Disk));
        _fake.Write(path, text);
        Assert.Equal(use, Host.UseOf(Disk));
        AssertProblem(Disk, HostProblemCode.InUse, use, "end that use");
        Assert.Equal(Status.Busy, Assert.Throws<ApertureException>(() => Host.Bind(Disk)).Status);
        Assert.Empty(_fake.Written);
    }

    [Fact]
    public void An_address_without_its_domain_and_in_other_letters_is_the_same_function()
    {
        _fake.Add("0000:0a:00.0", "1b36:0010", "010802", 6);
        Assert.Equal("0000:0a:00.0", Host.Find("0A:00.0").Address);
        Assert.Equal(6, Host.GroupOf("0000:0A:00.0"));
    }

    [Fact]
    public void Says_how_the_kernel_drives_a_group()
    {
        _fake.Write("sys/kernel/iommu_groups/5/type", "DMA-FQ\n");
        File.Delete(_fake.At($"sys/bus/pci/devices/{Disk}/iommu"));
        _fake.Write($"sys/bus/pci/devices/{Disk}/iommu/intel-iommu/cap", "d2008c22260206\n"); // MGAW 38: 39 bits
        var report = Host.ReportOf(5);
        Assert.Equal(("DMA-FQ", "lazy", 39), (report.Type, report.Policy, report.AddressBits));
        _fake.Write("sys/kernel/iommu_groups/5/type", "DMA\n");
        Assert.Equal("strict", Host.ReportOf(5).Policy);
        Assert.Equal(new GroupReport(6, null, null, []), Host.ReportOf(6) with { Reserved = [] });
    }

    private void AssertProblem(string address, HostProblemCode code, string message, string remedy, bool isFatal = true)
    {
        var problem = Host.Explain(address).First(problem => problem.Code == code);
        Assert.Contains(message, problem.Message, StringComparison.Ordinal);
        Assert.Contains(remedy, problem.Remedy, StringComparison.Ordinal);
        Assert.Equal(isFatal, problem.IsFatal);
    }
}
