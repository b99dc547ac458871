namespace Aperture.Linux.Hosts.Uses;

/// <summary>Finds out who uses PCI functions, whatever their namespace: disks mounted, swapped to or part of something, network
/// interfaces, shares of a virtual machine, consoles, files that processes have open, VFIO groups. What it has read of processes and
/// mounts it keeps: make a new one for a new look.</summary>
/// <remarks>What the kernel holds by itself may show nowhere: <see cref="DiskClaims"/> asks for that.</remarks>
internal sealed class DeviceUse
{
    private readonly HostFiles _files;
    private readonly DeviceTree _tree;
    private readonly HostProcesses _processes;
    private readonly DiskUses _disks;
    private readonly NetworkUses _network;
    private readonly ShareUses _shares;

    /// <summary>A look at a host.</summary>
    public DeviceUse(HostFiles files)
    {
        _files = files;
        _tree = new DeviceTree(files);
        _processes = new HostProcesses(files);
        var mounts = new MountTable(files, _processes);
        _disks = new DiskUses(files, mounts);
        _network = new NetworkUses(files, _tree, _processes, mounts);
        _shares = new ShareUses(files, mounts);
    }

    /// <summary>Every use of a function, in words; none when nobody seems to use it.</summary>
    public IReadOnlyList<string> All(PciFunction function)
    {
        var path = $"sys/bus/pci/devices/{function.Address}";
        return [.. (function.IsVfio ? Vfio(function, path) : Kernel(function, path)).Distinct()];
    }

    /// <summary>The uses of a function in one line; null when nobody seems to use it.</summary>
    public string? Find(PciFunction function)
    {
        const int Most = 4; // a root file system can be mounted a thousand times
        var all = All(function);
        return all.Count == 0 ? null : string.Join(", ", all.Take(Most)) + (all.Count > Most ? $" and {all.Count - Most} more uses" : "");
    }

    private IEnumerable<string> Kernel(PciFunction function, string path)
    {
        var nodes = _tree.Nodes(path);
        return _network.Of(function, path)
            .Concat(nodes.Where(node => node.IsBlock).SelectMany(_disks.Of))
            .Concat(_shares.Of(path))
            .Concat(Consoles(path, nodes))
            .Concat(Processes(path, nodes));
    }

    private IEnumerable<string> Vfio(PciFunction function, string path)
    {
        if (function.Group is not { } group)
            return [];
        var file = $"/{NoIommuMode.GroupFile(group, function.IsNoIommu)}";
        return _processes.Open.Where(open => open.Target == file).Select(open => $"{_processes.Describe(open.Process)} has {file} open")
            .Concat(Processes(path, _tree.Nodes(path)));
    }

    private IEnumerable<string> Consoles(string path, IReadOnlyList<DeviceNode> nodes)
    {
        if (_files.Read($"{path}/boot_vga") == "1")
            yield return "it shows the console";
        foreach (var line in (_files.Read("proc/consoles") ?? "").Split('\n'))
        {
            if (nodes.FirstOrDefault(node => !node.IsBlock && line.EndsWith($" {node.Number}", StringComparison.Ordinal)) is { } console)
                yield return $"{console.Name} is a console of the kernel's";
        }
    }

    /// <summary>Files of a function that processes have open or mapped: its device files, under whatever name, and its BARs in
    /// sysfs.</summary>
    private IEnumerable<string> Processes(string path, IReadOnlyList<DeviceNode> nodes)
    {
        var real = _files.RealPath(path) ?? $"/{path}";
        foreach (var open in _processes.Open)
        {
            if (nodes.FirstOrDefault(node => open.Target == node.File) is { } node)
                yield return $"{_processes.Describe(open.Process)} has {node.File} open";
            else if (open.Target.StartsWith($"{real}/resource", StringComparison.Ordinal))
                yield return $"{_processes.Describe(open.Process)} has {open.Target} open";
            else if (open.Entry is { } entry && nodes.Count > 0 && _files.Calls.NodeOf(_files.PathOf(entry)) is var (isBlock, number)
                && nodes.FirstOrDefault(node => node.IsBlock == isBlock && node.Number == number) is { } same)
                yield return $"{_processes.Describe(open.Process)} has {same.File} open as {open.Target}";
        }
    }
}
