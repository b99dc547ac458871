namespace Aperture.Linux.Hosts.Uses;

/// <summary>Who uses block devices: mounts, members of file systems over several devices, swap, devices made of them, files of the
/// kernel's own.</summary>
internal sealed class DiskUses(HostFiles files, MountTable mounts)
{
    private const int Deepest = 16; // of devices made of devices

    /// <summary>Files in which the kernel tells which device it has opened for itself by path. It holds those without claiming them, and
    /// no process has them open.</summary>
    private static readonly (string Pattern, string What)[] KernelUsers =
    [
        ("sys/block/*/loop/backing_file", "loop device"),
        ("sys/kernel/config/nvmet/subsystems/*/namespaces/*/device_path", "NVMe target"),
        ("sys/kernel/config/target/core/*/*/udev_path", "storage target"),
        ("sys/kernel/config/usb_gadget/*/functions/*/*/file", "USB gadget"),
    ];

    /// <summary>The uses of a block device, in words.</summary>
    public IEnumerable<string> Of(DeviceNode disk)
    {
        foreach (var mount in mounts.Mounts.Where(mount => mount.Number == disk.Number || Leads(mount.Source, disk)))
            yield return $"{disk.Name} is {mounts.Describe(mount)}";
        foreach (var use in Members(disk))
            yield return use;
        foreach (var line in (files.Read("proc/swaps") ?? "").Split('\n'))
        {
            if (Leads(line.Split(' ', '\t')[0], disk))
                yield return $"the system swaps to {disk.Name}";
        }

        foreach (var use in Holders(disk.Name, disk.Path, Deepest))
            yield return use;
        foreach (var (pattern, what) in KernelUsers)
        {
            foreach (var user in files.Match(pattern).Where(path => Leads(files.Read(path) ?? "", disk)))
                yield return $"{disk.Name} is part of {what} /{user}";
        }
    }

    /// <summary>File systems over several devices show none of them as the mount's device.</summary>
    private IEnumerable<string> Members(DeviceNode disk)
    {
        var name = Path.GetFileName(disk.Path);
        foreach (var id in files.List("sys/fs/btrfs").Where(id => files.Exists($"sys/fs/btrfs/{id}/devices/{name}")))
        {
            var members = files.List($"sys/fs/btrfs/{id}/devices").ToArray();
            var all = mounts.Mounts.Where(mount => mount.Type == "btrfs");
            var mount = all.FirstOrDefault(mount => members.Any(member => mount.Source == $"/dev/{member}"));
            yield return $"{disk.Name} is part of the btrfs file system {id}{(mount is null ? "" : $", {mounts.Describe(mount)}")}";
        }

        foreach (var path in files.Match("sys/fs/bcachefs/*/*/block").Where(path => files.ReadLink(path) == name))
            yield return $"{disk.Name} is part of the bcachefs file system {path.Split('/')[3]}";
    }

    /// <summary>Devices that are made of a disk: device mapper, RAID, caches; and what is made of those.</summary>
    private IEnumerable<string> Holders(string name, string path, int depth)
    {
        foreach (var holder in depth == 0 ? [] : files.List($"{path}/holders"))
        {
            var below = $"sys/class/block/{holder}";
            var what = files.Read($"{below}/dm/name") is { } given ? $"{holder} ({given})" : holder;
            var number = files.Read($"{below}/dev");
            var mount = number is null ? null : mounts.Mounts.FirstOrDefault(mount => mount.Number == number);
            yield return $"{name} is part of {what}{(mount is null ? "" : $", {mounts.Describe(mount)}")}";
            foreach (var use in Holders(what, below, depth - 1))
                yield return use;
        }
    }

    /// <summary>Whether a path is a disk's file, or a link that leads to it.</summary>
    private bool Leads(string path, DeviceNode disk)
    {
        if (!path.StartsWith("/dev/", StringComparison.Ordinal))
            return false;
        return path == disk.File || (files.RealPath(path) is { } real && Path.GetFileName(real) == Path.GetFileName(disk.Name));
    }
}
