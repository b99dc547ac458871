namespace Aperture.Linux.Hosts;

/// <summary>Finds out whether somebody uses a PCI function: an interface that is up, a file system or swap on a disk, a screen, an open group.</summary>
internal sealed class DeviceUse(HostFiles files)
{
    private const int InterfaceUp = 1; // IFF_UP

    /// <summary>Who uses a function, in words; null when nobody seems to.</summary>
    public string? Find(PciFunction function)
    {
        var path = $"sys/bus/pci/devices/{function.Address}";
        if (function.IsVfio)
            return function.Group is { } group ? Holder(group, function.IsNoIommu) : null;
        return Network(path) ?? Disks(path) ?? (files.Read($"{path}/boot_vga") == "1" ? "it shows the console" : null);
    }

    private string? Holder(int group, bool isNoIommu)
    {
        var file = $"/{NoIommuMode.GroupFile(group, isNoIommu)}";
        foreach (var process in files.List("proc").Where(name => name.All(char.IsAsciiDigit)))
        {
            if (files.List($"proc/{process}/fd").Any(number => new FileInfo(files.PathOf($"proc/{process}/fd/{number}")).LinkTarget == file))
                return $"process {process} has {file} open";
        }

        return null;
    }

    private string? Network(string path)
    {
        foreach (var name in Below(path, "net"))
        {
            if (files.ReadNumber($"{name}/flags") is { } flags && (flags & InterfaceUp) != 0)
                return $"network interface {Path.GetFileName(name)} is up";
        }

        return null;
    }

    private string? Disks(string path)
    {
        var mounts = (files.Read("proc/self/mountinfo") ?? "").Split('\n');
        var swaps = (files.Read("proc/swaps") ?? "").Split('\n');
        foreach (var disk in Below(path, "block").Concat(Below(path, "nvme").SelectMany(Heads)))
        {
            var number = files.Read($"{disk}/dev");
            var name = Path.GetFileName(disk);
            if (number is not null && mounts.FirstOrDefault(line => line.Split(' ') is { Length: > 4 } words && words[2] == number) is { } mount)
                return $"{name} is mounted at {mount.Split(' ')[4]}";
            if (swaps.Any(line => line.StartsWith($"/dev/{name} ", StringComparison.Ordinal) || line.StartsWith($"/dev/{name}\t", StringComparison.Ordinal)))
                return $"the system swaps to {name}";
            if (files.List($"{disk}/holders").FirstOrDefault() is { } holder)
                return $"{name} is part of {holder}";
        }

        return null;
    }

    /// <summary>The disks of an NVMe controller that may have several paths: those do not lie below the controller.</summary>
    private IEnumerable<string> Heads(string controller)
    {
        const string Subsystems = "sys/class/nvme-subsystem";
        return files.List(Subsystems)
            .Where(subsystem => files.Exists($"{Subsystems}/{subsystem}/{Path.GetFileName(controller)}"))
            .SelectMany(subsystem => Below($"{Subsystems}/{subsystem}", "block"));
    }

    /// <summary>Everything of a kind below a device: interfaces, disks and their partitions. Links lead elsewhere and are not followed.</summary>
    private IEnumerable<string> Below(string path, string kind)
    {
        foreach (var name in files.List(path))
        {
            var entry = $"{path}/{name}";
            var info = new DirectoryInfo(files.PathOf(entry));
            if (!info.Exists || info.LinkTarget is not null)
                continue;
            if (files.ReadLink($"{entry}/subsystem") == kind)
                yield return entry;
            foreach (var found in Below(entry, kind))
                yield return found;
        }
    }
}
