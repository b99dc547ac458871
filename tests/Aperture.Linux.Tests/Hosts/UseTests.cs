using Aperture.Core;
using Aperture.Linux.Hosts;
using Aperture.Linux.Native;
using Aperture.Linux.Tests.Fakes;

namespace Aperture.Linux.Tests.Hosts;

/// <summary>What <c>bind</c> took from under its owners on 458a36c, and all other uses that it must see.</summary>
public sealed class UseTests : IDisposable
{
    private const string Disk = "0000:01:00.0";
    private const string Card = "0000:02:00.0";
    private const string Share = "0000:03:00.0";
    private const string Controller = $"sys/bus/pci/devices/{Disk}/nvme/nvme0";
    private const string Interface = $"sys/bus/pci/devices/{Card}/net/eth1";

    private readonly FakeHost _fake = new();

    public UseTests()
    {
        _fake.Add(Disk, "1b36:0010", "010802", 5, "nvme");
        _fake.Link($"{Controller}/subsystem", "../../../class/nvme");
        _fake.AddDisk($"{Controller}/nvme0n1", "259:0");
        _fake.AddDisk($"{Controller}/nvme0n1/nvme0n1p1", "259:1", isPartition: true);
        _fake.Add(Card, "8086:1111", "020000", 6, "e1000e");
        Directory.Delete(_fake.At($"sys/bus/pci/devices/{Card}/net"), recursive: true);
        _fake.Link($"{Interface}/subsystem", "../../../class/net");
        _fake.Add(Share, "1af4:1009", "000200", 7, "virtio-pci");
    }

    private LinuxHost Host => _fake.Host;

    public void Dispose() => _fake.Dispose();

    [Theory]
    [InlineData("36 35 0:32 / /mnt rw - btrfs /dev/nvme0n1 rw,space_cache", "nvme0n1 is mounted at /mnt")]
    [InlineData(@"36 35 259:1 / /my\040disk rw shared:1 - ext4 /dev/root rw", "nvme0n1p1 is mounted at /my disk")]
    [InlineData("36 35 0:32 / /z rw - zfs /dev/disk/by-id/x rw", "nvme0n1 is mounted at /z")]
    public void A_disk_was_taken_from_under_a_file_system_that_shows_another_device_number(string line, string use)
    {
        _fake.Link("dev/disk/by-id/x", "../../nvme0n1");
        _fake.Write("proc/self/mountinfo", $"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n{line}\n");
        AssertRefused(Disk, use);
    }

    [Fact]
    public void A_disk_was_taken_from_under_a_file_system_over_several_of_them()
    {
        _fake.Link("sys/fs/btrfs/0f0f/devices/nvme0n1p1", "../../../../devices/nvme0n1p1");
        _fake.Link("sys/fs/btrfs/0f0f/devices/sdz", "../../../../devices/sdz");
        _fake.Write("proc/self/mountinfo", "36 35 0:32 / /pool rw - btrfs /dev/sdz rw\n");
        AssertRefused(Disk, "nvme0n1p1 is part of the btrfs file system 0f0f, mounted at /pool");
    }

    [Fact]
    public void A_disk_was_taken_from_under_a_file_system_of_another_mount_namespace()
    {
        _fake.Link("proc/self/ns/mnt", "mnt:[1]");
        foreach (var (process, space) in new[] { (1, 1), (700, 2), (701, 2) })
        {
            _fake.Link($"proc/{process}/ns/mnt", $"mnt:[{space}]");
            _fake.Write($"proc/{process}/comm", "postgres\n");
            _fake.Write($"proc/{process}/mountinfo", space == 2 ? "36 35 259:0 / /var/lib rw - ext4 /dev/nvme0n1 rw\n" : "");
        }

        AssertRefused(Disk, "nvme0n1 is mounted at /var/lib for process 700 (postgres)");
        Assert.DoesNotContain("701", Host.UseOf(Disk)!); // who is in the same namespace
    }

    [Theory]
    [InlineData("/dev/nvme0n1", "process 4711 (dd) has /dev/nvme0n1 open")]
    [InlineData("/dev/nvme0n1p1", "process 4711 (dd) has /dev/nvme0n1p1 open")]
    [InlineData("/srv/chroot/mydisk", "process 4711 (dd) has /dev/nvme0n1 open as /srv/chroot/mydisk")]
    [InlineData($"/sys/bus/pci/devices/{Disk}/resource0", $"process 4711 (dd) has /sys/bus/pci/devices/{Disk}/resource0 open")]
    public void A_disk_was_taken_from_a_process_that_has_it_open(string target, string use)
    {
        _fake.Write("proc/4711/comm", "dd\n");
        _fake.Link("proc/4711/fd/3", target);
        _fake.Calls.Nodes["proc/4711/fd/3"] = (true, "259:0");
        AssertRefused(Disk, use);
    }

    [Fact]
    public void A_process_that_has_a_device_mapped_uses_it()
    {
        _fake.Write("proc/4711/maps", "7f00-7f10 rw-s 00000000 00:05 3                      /dev/nvme0n1\n");
        AssertRefused(Disk, "process 4711 has /dev/nvme0n1 open");
    }

    [Fact]
    public void Another_device_of_the_same_number_is_another_device()
    {
        _fake.Link("proc/4711/fd/3", "/dev/other");
        _fake.Calls.Nodes["proc/4711/fd/3"] = (false, "259:0"); // a character device
        Assert.Null(Host.UseOf(Disk));
    }

    [Fact]
    public void Devices_made_of_a_disk_are_uses_and_so_are_those_made_of_them()
    {
        _fake.Write($"{Controller}/nvme0n1/nvme0n1p1/holders/dm-0", "");
        _fake.Write("sys/class/block/dm-0/dm/name", "vg-root\n");
        _fake.Write("sys/class/block/dm-0/dev", "253:0\n");
        _fake.Write("sys/class/block/dm-0/holders/md0", "");
        _fake.Write("sys/class/block/md0/dev", "9:0\n");
        _fake.Write("proc/self/mountinfo", "36 35 9:0 / /data rw - xfs /dev/md0 rw\n");
        AssertRefused(Disk, "nvme0n1p1 is part of dm-0 (vg-root)", "dm-0 (vg-root) is part of md0, mounted at /data");
    }

    [Fact]
    public void A_loop_device_over_a_disk_has_it_open_in_no_process()
    {
        _fake.Write("sys/block/loop0/loop/backing_file", "/dev/nvme0n1\n");
        AssertRefused(Disk, "nvme0n1 is part of loop device /sys/block/loop0/loop/backing_file");
    }

    [Theory]
    [InlineData(Errno.Busy, Status.Busy, "somebody else has /dev/nvme0n1p1 for himself alone")]
    [InlineData(Errno.AccessDenied, Status.NotPermitted, "/dev/nvme0n1 could not be claimed: permission is missing")]
    [InlineData(Errno.NoEntry, Status.NotFound, "/dev/nvme0n1 could not be claimed")]
    internal void A_use_that_nothing_shows_is_refused_by_the_claim(Errno error, Status status, string message)
    {
        _fake.Calls.Claims["dev/nvme0n1"] = error;
        _fake.Calls.Claims["dev/nvme0n1p1"] = error;
        Assert.Null(Host.UseOf(Disk));
        var refusal = Assert.Throws<ApertureException>(() => Host.Bind(Disk));
        Assert.Equal(status, refusal.Status);
        Assert.Contains(message, refusal.Message);
        Assert.Equal("nvme", Host.Find(Disk).Driver);
        Assert.Empty(_fake.Written);
    }

    [Fact]
    public void A_disk_is_claimed_before_its_driver_goes_and_let_go_before_another_comes()
    {
        Host.Bind(Disk);
        Assert.Equal(["claim dev/nvme0n1", "driver_override", "unbind", "release dev/nvme0n1", "drivers_probe"], _fake.Events);
    }

    [Fact]
    public void A_disk_that_comes_back_after_a_failure_is_not_claimed_any_more()
    {
        _fake.Broken.Add("vfio-pci");
        Assert.Throws<ApertureException>(() => Host.Bind(Disk));
        Assert.Equal(1, _fake.Events.Count(line => line == "release dev/nvme0n1"));
        Assert.True(_fake.Events.IndexOf("release dev/nvme0n1") < _fake.Events.IndexOf("drivers_probe"));
    }

    [Fact]
    public void Devices_that_were_asked_for_together_are_taken_together_or_not_at_all()
    {
        _fake.Add("0000:01:00.1", "1234:11e8", "00ff00", 5, "edu");
        _fake.Calls.Claims["dev/nvme0n1"] = Errno.Busy;
        Assert.Equal(Status.Busy, Assert.Throws<ApertureException>(() => Host.Bind(["0000:01:00.1", Disk])).Status);
        Assert.Empty(_fake.Written); // on 458a36c the first was taken
        _fake.Calls.Claims.Clear();
        Host.Bind(["0000:01:00.1"]);
        Host.Unbind("0000:01:00.1");
        _fake.Broken.Add("vfio-pci");
        var refusal = Assert.Throws<ApertureException>(() => Host.Bind(["0000:01:00.1", Disk]));
        Assert.Contains("0000:01:00.1: it is back with edu", refusal.Message);
    }

    [Fact]
    public void What_was_taken_goes_back_when_a_later_one_fails()
    {
        _fake.Add("0000:01:00.1", "1234:11e8", "00ff00", 5, "edu");
        _fake.Fails = (path, _) => path == $"sys/bus/pci/devices/{Disk}/driver/unbind";
        var refusal = Assert.Throws<ApertureException>(() => Host.Bind(["0000:01:00.1", Disk]));
        Assert.Contains("0000:01:00.1: it is back with edu", refusal.Message);
        Assert.Equal(("edu", "nvme"), (Host.Find("0000:01:00.1").Driver, Host.Find(Disk).Driver));
        Assert.Empty(Host.Taken);
    }

    [Fact]
    public void An_interface_is_in_use_when_it_is_part_of_something_or_has_an_address()
    {
        _fake.Write($"{Interface}/flags", "0x1002\n");
        Assert.Null(Host.UseOf(Card));
        _fake.Link($"{Interface}/master", "../br0");
        _fake.Link($"{Interface}/upper_br0", "../br0");
        _fake.Link($"{Interface}/upper_vlan5", "../vlan5");
        _fake.Calls.Addresses["eth1"] = "192.0.2.1";
        AssertRefused(
            Card, "network interface eth1 is part of br0", "network interface eth1 carries vlan5",
                "network interface eth1 has the address 192.0.2.1");
        Assert.DoesNotContain("carries br0", Host.UseOf(Card)!);
    }

    [Fact]
    public void An_interface_in_another_network_namespace_is_in_use()
    {
        Directory.Delete(_fake.At(Interface), recursive: true); // sysfs shows one namespace
        AssertRefused(Card, "the network interface of its driver e1000e is in a network namespace that cannot be seen from here");
        _fake.Link("proc/self/ns/net", "net:[1]");
        _fake.Link("proc/800/ns/net", "net:[2]");
        _fake.Write("proc/800/comm", "dockerd\n");
        _fake.Calls.Interfaces["proc/800/ns/net"] = [("eth0", Card), ("eth9", "0000:09:00.0")];
        AssertRefused(Card, "network interface eth0 is in the network namespace of process 800 (dockerd)");
        File.Delete(_fake.At("proc/800/ns/net"));
        _fake.Write("proc/self/mountinfo", "40 30 0:4 net:[3] /run/netns/lab rw - nsfs nsfs rw\n");
        _fake.Calls.Interfaces["run/netns/lab"] = [("lab0", Card)];
        AssertRefused(Card, "network interface lab0 is in the network namespace of /run/netns/lab");
    }

    [Fact]
    public void A_share_that_is_mounted_is_in_use()
    {
        var device = $"sys/bus/pci/devices/{Share}/virtio3";
        _fake.Write($"{device}/mount_tag", "app\0");
        Assert.Null(Host.UseOf(Share));
        _fake.Write("proc/self/mountinfo", "40 30 0:40 / /app ro - 9p app ro,trans=virtio\n41 30 0:41 / /other ro - 9p other ro\n");
        AssertRefused(Share, "share app is mounted at /app");
        File.Delete(_fake.At($"{device}/mount_tag"));
        _fake.Link($"{device}/driver", "../../drivers/virtiofs");
        _fake.Write("proc/self/mountinfo", "40 30 0:40 / /home rw - virtiofs home rw\n");
        AssertRefused(Share, "share home is mounted at /home");
        _fake.Link("sys/fs/virtiofs/0/device", "../../../devices/virtio3");
        _fake.Write("sys/fs/virtiofs/0/tag", "else\n");
        Assert.Null(Host.UseOf(Share));
    }

    [Fact]
    public void A_console_is_in_use()
    {
        _fake.Write($"sys/bus/pci/devices/{Share}/tty/ttyS4/dev", "4:68\n");
        _fake.Write("proc/consoles", "tty0                 -WU (EC  p  )    4:1\nttyS4                -W- (EC  p a)    4:68\n");
        AssertRefused(Share, "ttyS4 is a console of the kernel's");
    }

    private void AssertRefused(string address, params string[] uses)
    {
        Assert.Equal(uses, Host.UseOf(address)?.Split(", ").Aggregate(new List<string>(), (all, part) =>
        {
            // A use may have a comma of its own.
            if (part.StartsWith("mounted", StringComparison.Ordinal))
                all[^1] += $", {part}";
            else
                all.Add(part);
            return all;
        }));
        var refusal = Assert.Throws<ApertureException>(() => Host.Bind(address));
        Assert.Equal(Status.Busy, refusal.Status);
        Assert.Contains(uses[0], refusal.Message);
        Assert.Empty(_fake.Written);
    }
}
