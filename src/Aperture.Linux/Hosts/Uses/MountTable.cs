using System.Text;

namespace Aperture.Linux.Hosts.Uses;

/// <summary>What is mounted, in the mount namespaces of all processes (proc(5), <c>/proc/pid/mountinfo</c>).</summary>
internal sealed class MountTable(HostFiles files, HostProcesses processes)
{
    private readonly Lazy<IReadOnlyList<Mount>> _mounts = new(() => Read(files, processes));

    /// <summary>The mounts, those of this process's namespace first. Read once.</summary>
    public IReadOnlyList<Mount> Mounts => _mounts.Value;

    /// <summary>Where something is mounted, and who sees it there.</summary>
    public string Describe(Mount mount) =>
        $"mounted at {mount.Point}{(mount.Process is { } process ? $" for {processes.Describe(process)}" : "")}";

    private static List<Mount> Read(HostFiles files, HostProcesses processes)
    {
        var mounts = new List<Mount>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var process in processes.All.Prepend("self"))
        {
            // One namespace has many processes, and one table. Processes that end meanwhile have none.
            if (files.LinkTarget($"proc/{process}/ns/mnt") is { } space && !seen.Add(space))
                continue;
            foreach (var line in (files.Read($"proc/{process}/mountinfo") ?? "").Split('\n'))
            {
                // number, parent, major:minor, root, mount point, options, optional fields, "-", kind, source, options
                var words = line.Split(' ');
                var dash = Array.IndexOf(words, "-");
                if (dash <= 4 || dash + 2 >= words.Length)
                    continue;
                var (root, point, source) = (Unescape(words[3]), Unescape(words[4]), Unescape(words[dash + 2]));
                mounts.Add(new Mount(words[2], root, point, words[dash + 1], source, process == "self" ? null : process));
            }
        }

        return mounts;
    }

    /// <summary>Blanks and the like are written as a backslash and three octal digits.</summary>
    private static string Unescape(string word)
    {
        if (!word.Contains('\\', StringComparison.Ordinal))
            return word;
        var text = new StringBuilder();
        for (var i = 0; i < word.Length; i++)
        {
            var isEscape = word[i] == '\\' && i + 3 < word.Length && word.AsSpan(i + 1, 3).IndexOfAnyExceptInRange('0', '7') < 0;
            text.Append(isEscape ? (char)(((word[i + 1] - '0') << 6) | ((word[i + 2] - '0') << 3) | (word[i + 3] - '0')) : word[i]);
            i += isEscape ? 3 : 0;
        }

        return text.ToString();
    }
}
