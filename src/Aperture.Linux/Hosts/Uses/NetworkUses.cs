namespace Aperture.Linux.Hosts.Uses;

/// <summary>Who uses network interfaces, in whatever network namespace they are.</summary>
internal sealed class NetworkUses
{
    private const int InterfaceUp = 1;     // IFF_UP
    private const uint NetworkClass = 2;   // PCI base class

    private readonly HostFiles _files;
    private readonly DeviceTree _tree;
    private readonly HostProcesses _processes;
    private readonly MountTable _mounts;
    private readonly Lazy<IReadOnlyList<(string Name, string Device, string Where)>> _elsewhere; // interfaces

    /// <summary>A look at a host.</summary>
    public NetworkUses(HostFiles files, DeviceTree tree, HostProcesses processes, MountTable mounts)
    {
        _files = files;
        _tree = tree;
        _processes = processes;
        _mounts = mounts;
        _elsewhere = new(ReadElsewhere);
    }

    /// <summary>The uses of a function's interfaces, in words.</summary>
    public IEnumerable<string> Of(PciFunction function, string path)
    {
        var interfaces = _tree.Below(path, "net").ToArray();
        foreach (var entry in interfaces)
        {
            var name = Path.GetFileName(entry);
            if (_files.ReadNumber($"{entry}/flags") is { } flags && (flags & InterfaceUp) != 0)
                yield return $"network interface {name} is up";
            if (_files.ReadLink($"{entry}/master") is { } master)
                yield return $"network interface {name} is part of {master}";
            foreach (var upper in _files.List(entry).Where(link => link.StartsWith("upper_", StringComparison.Ordinal)))
            {
                if (_files.ReadLink($"{entry}/master") != upper[6..])
                    yield return $"network interface {name} carries {upper[6..]}";
            }

            if ((_files.Calls.AddressOf(name) ?? Ipv6Of(name)) is { } address)
                yield return $"network interface {name} has the address {address}";
        }

        // Sysfs shows the interfaces of one network namespace only.
        var elsewhere = _elsewhere.Value.Where(entry => entry.Device == function.Address).ToArray();
        foreach (var (name, _, where) in elsewhere)
            yield return $"network interface {name} is in the network namespace of {where}";
        if (interfaces.Length == 0 && elsewhere.Length == 0 && IsNetworkDriver(function))
            yield return $"the network interface of its driver {function.Driver} is in a network namespace that cannot be seen from here";
    }

    /// <summary>The interfaces of all other network namespaces: those of processes, and those that are kept by a mount.</summary>
    private List<(string Name, string Device, string Where)> ReadElsewhere()
    {
        var found = new List<(string, string, string)>();
        var seen = new HashSet<string?>(StringComparer.Ordinal) { null, _files.LinkTarget("proc/self/ns/net") };
        foreach (var process in _processes.All.Where(process => seen.Add(_files.LinkTarget($"proc/{process}/ns/net"))))
            Add(_files.PathOf($"proc/{process}/ns/net"), _processes.Describe(process));
        foreach (var mount in _mounts.Mounts.Where(mount => mount is { Type: "nsfs", Process: null }))
        {
            if (mount.Root.StartsWith("net:", StringComparison.Ordinal) && seen.Add(mount.Root))
                Add(_files.PathOf(mount.Point), mount.Point);
        }

        return found;

        void Add(string path, string where) =>
            found.AddRange(_files.Calls.InterfacesOf(path).Select(entry => (entry.Name, entry.Device, where)));
    }

    /// <summary>An IPv6 address of an interface, as the kernel writes it; null for none.</summary>
    private string? Ipv6Of(string name) => (_files.Read("proc/net/if_inet6") ?? "").Split('\n')
        .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .FirstOrDefault(words => words.Length == 6 && words[5] == name)?[0];

    /// <summary>Whether a driver of the kernel's that makes an interface has the function: not one that hands it to a process.</summary>
    private static bool IsNetworkDriver(PciFunction function) =>
        function.Class >> 16 == NetworkClass
        && function.Driver is { } driver && driver != "pci-stub" && !driver.Contains("uio", StringComparison.Ordinal);
}
