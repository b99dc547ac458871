namespace Aperture.Linux.Hosts.Uses;

/// <summary>What sysfs has below a PCI function: disks, interfaces, device files.</summary>
internal sealed class DeviceTree(HostFiles files)
{
    private const string Subsystems = "sys/class/nvme-subsystem";

    /// <summary>Every device file of a function and of what is behind it, disks of an NVMe controller with several paths
    /// included.</summary>
    public IReadOnlyList<DeviceNode> Nodes(string path)
    {
        var heads = Below(path, "nvme").SelectMany(Heads).SelectMany(Directories);
        return [.. Directories(path).Concat(heads).Select(Node).OfType<DeviceNode>().DistinctBy(node => node.Path)];
    }

    /// <summary>Everything of a subsystem below a device, for example its network interfaces.</summary>
    public IEnumerable<string> Below(string path, string subsystem) =>
        Directories(path).Where(entry => files.ReadLink($"{entry}/subsystem") == subsystem);

    /// <summary>The disks of an NVMe controller that may have several paths: those do not lie below the controller.</summary>
    private IEnumerable<string> Heads(string controller) => files.List(Subsystems)
        .Where(subsystem => files.Exists($"{Subsystems}/{subsystem}/{Path.GetFileName(controller)}"))
        .SelectMany(subsystem => files.List($"{Subsystems}/{subsystem}").Select(name => $"{Subsystems}/{subsystem}/{name}"))
        .Where(entry => files.ReadLink($"{entry}/subsystem") == "block");

    private DeviceNode? Node(string entry)
    {
        if (files.Read($"{entry}/dev") is not { } number)
            return null;
        const string Key = "DEVNAME=";
        var lines = (files.Read($"{entry}/uevent") ?? "").Split('\n');
        var name = lines.FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal))?[Key.Length..];
        return new DeviceNode(name ?? Path.GetFileName(entry), number, files.ReadLink($"{entry}/subsystem") == "block", entry);
    }

    /// <summary>A directory and all below it. Links lead elsewhere and are not followed.</summary>
    private IEnumerable<string> Directories(string path)
    {
        yield return path;
        foreach (var name in files.List(path))
        {
            var entry = $"{path}/{name}";
            var info = new DirectoryInfo(files.PathOf(entry));
            if (!info.Exists || info.LinkTarget is not null)
                continue;
            foreach (var found in Directories(entry))
                yield return found;
        }
    }
}
