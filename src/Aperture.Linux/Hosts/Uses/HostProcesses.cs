namespace Aperture.Linux.Hosts.Uses;

/// <summary>The processes of this host, whatever their namespaces. Without root only one's own can be looked into.</summary>
internal sealed class HostProcesses(HostFiles files)
{
    private readonly Lazy<IReadOnlyList<OpenFile>> _open = new(() => ReadOpen(files));
    private readonly Lazy<IReadOnlyList<string>> _numbers = new(() => Numbers(files));

    /// <summary>Numbers of all processes.</summary>
    public IReadOnlyList<string> All => _numbers.Value;

    /// <summary>Every file that a process has open, or has mapped after it closed it. Read once.</summary>
    public IReadOnlyList<OpenFile> Open => _open.Value;

    /// <summary>A process in words: number and name.</summary>
    public string Describe(string process) =>
        files.Read($"proc/{process}/comm") is { } name ? $"process {process} ({name})" : $"process {process}";

    private static string[] Numbers(HostFiles files) => [.. files.List("proc").Where(name => name.All(char.IsAsciiDigit))];

    private static List<OpenFile> ReadOpen(HostFiles files)
    {
        var found = new List<OpenFile>();
        foreach (var process in Numbers(files))
        {
            foreach (var number in files.List($"proc/{process}/fd"))
            {
                var entry = $"proc/{process}/fd/{number}";
                if (files.LinkTarget(entry) is ['/', ..] target)
                    found.Add(new OpenFile(process, target, entry));
            }

            foreach (var line in (files.Read($"proc/{process}/maps") ?? "").Split('\n'))
            {
                // address, rights, offset, device, inode, then the path behind any number of blanks
                var path = line.IndexOf('/', StringComparison.Ordinal) is var at and >= 0 ? line[at..] : "";
                if (path.StartsWith("/dev/", StringComparison.Ordinal) || path.StartsWith("/sys/", StringComparison.Ordinal))
                    found.Add(new OpenFile(process, path, null));
            }
        }

        return found;
    }
}
