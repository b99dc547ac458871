using Aperture.Core;
using Aperture.Linux.Hosts;
using Aperture.Linux.Tests.Fakes;

namespace Aperture.Linux.Tests.Hosts;

public sealed class BindingTests : IDisposable
{
    private const string Disk = "0000:01:00.0";
    private const string Card = "0000:02:00.0";

    private readonly FakeHost _fake = new();

    public BindingTests()
    {
        _fake.Add(Disk, "1b36:0010", "010802", 5, "nvme");
        _fake.Add(Card, "1234:11e8", "00ff00", 6);
    }

    private LinuxHost Host => _fake.Host;

    public void Dispose() => _fake.Dispose();

    [Fact]
    public void A_device_goes_to_vfio_and_back_to_its_driver()
    {
        Assert.Equal("nvme", Host.Bind(Disk));
        Assert.True(Host.Find(Disk).IsVfio);
        Assert.Equal([$"devices/{Disk}/driver_override vfio-pci", $"devices/{Disk}/driver/unbind {Disk}", $"drivers_probe {Disk}"],
            _fake.Written);
        Assert.Equal("nvme", Host.Bind(Disk)); // twice is once
        Assert.Equal(3, _fake.Written.Count);
        Assert.Equal("nvme", Host.Unbind(Disk));
        Assert.Equal(Host.Find(Disk), new PciFunction(Disk, 0x1b36, 0x0010, 0x010802, "nvme", null, 5, IommuKind.Intel));
        Assert.Empty(_fake.Journal);
    }

    [Fact]
    public void A_device_without_a_driver_has_none_afterwards()
    {
        Assert.Null(Host.Bind(Card));
        Assert.True(Host.Find(Card).IsVfio);
        Assert.Null(Host.Unbind(Card));
        Assert.Null(Host.Find(Card).Driver);
    }

    [Fact]
    public void An_override_comes_back()
    {
        _fake.Write($"sys/bus/pci/devices/{Disk}/driver_override", "nvme\n");
        Host.Bind(Disk);
        Host.Unbind(Disk);
        Assert.Equal("nvme", Host.Find(Disk).Override);
    }

    [Fact]
    public void A_bind_that_fails_leaves_the_device_with_its_driver()
    {
        _fake.Broken.Add("vfio-pci");
        var refusal = Assert.Throws<ApertureException>(() => Host.Bind(Disk));
        Assert.Contains("it is back with nvme", refusal.Message);
        Assert.Equal("nvme", Host.Find(Disk).Driver);
        Assert.Null(Host.Find(Disk).Override);
        Assert.Empty(_fake.Journal);
    }

    [Fact]
    public void A_bind_that_cannot_be_undone_stays_in_the_journal()
    {
        _fake.Broken.UnionWith(["vfio-pci", "nvme"]);
        Assert.Contains("aperture host recover", Assert.Throws<ApertureException>(() => Host.Bind(Disk)).Message);
        Assert.Contains(Disk, _fake.Journal);
        Assert.Contains("instead of nvme", Assert.Single(Host.Recover()));
        _fake.Broken.Clear();
        Assert.Equal([$"{Disk}: nvme"], Host.Recover());
        Assert.Equal("nvme", Host.Find(Disk).Driver);
        Assert.Empty(Host.Recover());
    }

    [Fact]
    public void After_a_crash_everything_goes_back()
    {
        Host.Bind(Disk);
        Host.Bind(Card);
        Assert.Equal([$"{Disk}: nvme", $"{Card}: no driver, as before"], Host.Recover());
        Assert.Equal("nvme", Host.Find(Disk).Driver);
        Assert.Null(Host.Find(Card).Driver);
    }

    [Fact]
    public void A_device_that_has_gone_leaves_the_journal()
    {
        Host.Bind(Card);
        Directory.Delete(_fake.At($"sys/bus/pci/devices/{Card}"), recursive: true);
        Assert.Equal([$"{Card}: gone"], Host.Recover());
        Assert.Empty(_fake.Journal);
    }

    [Fact]
    public void A_device_that_a_process_has_open_is_not_taken_away()
    {
        Host.Bind(Disk);
        _fake.Link("proc/4711/fd/9", "/dev/vfio/5");
        Assert.Contains("process 4711", Assert.Throws<ApertureException>(() => Host.Unbind(Disk)).Message);
        Assert.Contains("process 4711", Assert.Single(Host.Recover()));
        Assert.True(Host.Find(Disk).IsVfio);
        Assert.Contains(Disk, _fake.Journal);
    }

    [Fact]
    public void What_was_not_bound_here_cannot_be_given_back() =>
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => Host.Unbind(Disk)).Status);

    [Fact]
    public void What_somebody_else_bound_to_vfio_goes_to_the_driver_that_the_kernel_finds()
    {
        File.Delete(_fake.At($"sys/bus/pci/devices/{Disk}/driver"));
        _fake.Link($"sys/bus/pci/devices/{Disk}/driver", "../../drivers/vfio-pci");
        _fake.Write("sys/bus/pci/drivers/vfio-pci/unbind", "");
        Assert.Equal("nvme", Host.Unbind(Disk));
    }
}
