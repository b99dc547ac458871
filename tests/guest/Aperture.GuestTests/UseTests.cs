using System.Diagnostics;
using Aperture.Core;
using Aperture.Linux.Hosts;

namespace Aperture.GuestTests;

/// <summary>A disk that somebody uses is not taken, whoever that is and in whatever namespace: a bind would cost him his data. Each use
/// that <see cref="LinuxHost"/> sees as well as the claim, which the kernel refuses by itself.</summary>
internal static class UseTests
{
    private const string Disk = "/dev/nvme0n1";
    private const string Bytes = "what was written before";

    public static void A_btrfs_file_system_keeps_its_disk(Guest guest)
    {
        if (!Modules.Load("btrfs"))
            return;
        With(guest, () =>
        {
            Run("mkfs.btrfs", "-q", "-f", "--mixed", Disk); // the disk is small
            Mounted(guest, "btrfs", "nvme0n1 is mounted at /tmp/disk, nvme0n1 is part of the btrfs file system ");
        });
    }

    public static void An_ext4_file_system_keeps_its_disk(Guest guest)
    {
        if (!Modules.Load("ext4"))
            return;
        With(guest, () =>
        {
            Run("mke2fs", "-q", "-F", "-t", "ext4", Disk);
            Mounted(guest, "ext4", "nvme0n1 is mounted at /tmp/disk");
        });
    }

    public static void A_file_system_of_another_mount_namespace_keeps_its_disk(Guest guest)
    {
        if (!Modules.Load("ext4"))
            return;
        With(guest, () =>
        {
            Run("mke2fs", "-q", "-F", "-t", "ext4", Disk);
            using var other = MountElsewhere(out _);
            Check.That(!File.ReadAllText("/proc/self/mountinfo").Contains("/tmp/disk", StringComparison.Ordinal));
            Refused(guest, "nvme0n1 is mounted at /tmp/disk for process ");
            other.StandardInput.Close();
            other.WaitForExit();
        });
    }

    /// <summary>The namespace lives on in a bind mount of its file, and nobody is in it.</summary>
    public static void A_file_system_that_no_process_can_see_keeps_its_disk(Guest guest)
    {
        if (!Modules.Load("ext4"))
            return;
        With(guest, () =>
        {
            Run("mke2fs", "-q", "-F", "-t", "ext4", Disk);
            Run("sh", "-c", "mount -t tmpfs kept /run/kept 2>/dev/null || { mkdir -p /run/kept && mount -t tmpfs kept /run/kept; }");
            Run("sh", "-c", "mount --make-private /run/kept && touch /run/kept/space");
            using (var other = MountElsewhere(out var process))
            {
                Run("mount", "--bind", $"/proc/{process}/ns/mnt", "/run/kept/space");
                other.StandardInput.Close();
                other.WaitForExit();
            }

            Check.Equal(null, guest.Host.UseOf(guest.Nvme));
            Refused(guest, $"somebody else has {Disk} for himself alone");
            Run("umount", "/run/kept/space");
            Run("umount", "/run/kept");
        });
    }

    public static void A_process_keeps_the_disk_that_it_has_open(Guest guest) => With(guest, () =>
    {
        using (File.OpenHandle(Disk))
            Refused(guest, $"process {Environment.ProcessId} (", $"has {Disk} open");
        using (File.OpenHandle("/dev/nvme0", FileMode.Open, FileAccess.ReadWrite))
            Refused(guest, "has /dev/nvme0 open"); // the controller's own file
        Run("mknod", ["/tmp/alias", "b", .. File.ReadAllText("/sys/class/block/nvme0n1/dev").Trim().Split(':')]);
        using (File.OpenHandle("/tmp/alias"))
            Refused(guest, $"has {Disk} open as /tmp/alias");
        File.Delete("/tmp/alias");
    });

    public static void Swap_keeps_its_disk(Guest guest) => With(guest, () =>
    {
        Run("mkswap", Disk);
        Run("swapon", Disk);
        Refused(guest, "the system swaps to nvme0n1");
        Run("swapoff", Disk);
    });

    public static void Device_mapper_keeps_its_disk(Guest guest)
    {
        if (!Modules.Load("dm-mod"))
            return;
        With(guest, () =>
        {
            Run("dmsetup", "create", "half", "--table", $"0 1024 linear {Disk} 0");
            Refused(guest, "nvme0n1 is part of dm-0 (half)");
            Run("dmsetup", "remove", "half");
        });
    }

    public static void RAID_keeps_its_disk(Guest guest)
    {
        if (!Modules.Load("raid1"))
            return;
        With(guest, () =>
        {
            Run("mdadm", "--create", "/dev/md0", "--run", "--force", "--level=1", "--metadata=1.2", "--raid-devices=1", Disk);
            Refused(guest, "nvme0n1 is part of md0");
            Run("mdadm", "--stop", "/dev/md0");
        });
    }

    public static void A_loop_device_keeps_its_disk(Guest guest)
    {
        if (!Modules.Load("loop"))
            return;
        With(guest, () =>
        {
            Run("losetup", "/dev/loop0", Disk);
            Refused(guest, "nvme0n1 is part of loop device /sys/block/loop0/loop/backing_file");
            Run("losetup", "-d", "/dev/loop0");
        });
    }

    public static void A_share_that_is_mounted_keeps_its_device(Guest guest)
    {
        var device = guest.Host.Functions.First(
            function => guest.Host.UseOf(function.Address)?.Contains("share app", StringComparison.Ordinal) == true);
        Check.Refused(Status.Busy, () => guest.Host.Bind(device.Address), "share app is mounted at /app");
    }

    public static void What_was_asked_for_together_is_taken_together_or_not_at_all(Guest guest) => With(guest, () =>
    {
        Run("mkswap", Disk);
        Run("swapon", Disk);
        Check.Refused(Status.Busy, () => guest.Host.Bind([guest.Neighbour, guest.Nvme]), "the system swaps to nvme0n1");
        Check.Equal(null, guest.Host.Find(guest.Neighbour).Driver);
        Run("swapoff", Disk);
        guest.Host.Bind([guest.Neighbour, guest.Nvme]);
        Check.That(guest.Host.Find(guest.Neighbour).IsVfio && guest.Host.Find(guest.Nvme).IsVfio);
    });

    /// <summary>A process that has mounted the disk in a namespace of its own. It ends when nobody writes to it any more.</summary>
    private static Process MountElsewhere(out string process)
    {
        var start = new ProcessStartInfo("unshare", ["-m", "sh", "-c", $"mount -t ext4 {Disk} /tmp/disk && echo $$ && cat"])
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        };
        var other = Process.Start(start)!;
        process = other.StandardOutput.ReadLine() ?? throw new CheckException("the disk could not be mounted in another namespace");
        return other;
    }

    private static void Mounted(Guest guest, string type, string use)
    {
        Run("mount", "-t", type, Disk, "/tmp/disk");
        File.WriteAllText("/tmp/disk/file", Bytes);
        Refused(guest, use);
        Run("sync");
        File.WriteAllText("/proc/sys/vm/drop_caches", "3");
        Check.Equal(Bytes, File.ReadAllText("/tmp/disk/file")); // and it works on
        Run("umount", "/tmp/disk");
    }

    /// <summary>With the disk in the kernel's hands; afterwards it can be taken, and comes back under the same name.</summary>
    private static void With(Guest guest, Action action)
    {
        guest.Host.Recover();
        Wait(() => File.Exists(Disk));
        Directory.CreateDirectory("/tmp/disk");
        action();
        if (!guest.Host.Find(guest.Nvme).IsVfio)
            Check.Equal("nvme", guest.Host.Bind(guest.Nvme)); // nothing keeps it any more
        Check.Equal("nvme", guest.Host.Unbind(guest.Nvme));
        Wait(() => File.Exists(Disk));
        guest.Host.Recover();
        guest.BindEdus();
    }

    private static void Refused(Guest guest, params string[] words)
    {
        Check.Refused(Status.Busy, () => guest.Host.Bind(guest.Nvme), words);
        Check.Equal("nvme", guest.Host.Find(guest.Nvme).Driver);
        Check.Equal(0, guest.Host.Taken.Count);
    }

    private static void Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Check.Equal(0, process.ExitCode, $"exit code of {program} {string.Join(' ', arguments)}: {output}{errors.Result}");
    }

    private static void Wait(Func<bool> holds) => SpinWait.SpinUntil(holds);
}
