using System.Text;
using Aperture.Core;

namespace Aperture.Linux.Hosts;

/// <summary>Which functions were taken from the kernel: a line each in a file that outlives the process but not the boot. It is replaced
/// in one go.</summary>
internal sealed class BindJournal(string path)
{
    /// <summary>All entries, oldest first.</summary>
    public IReadOnlyList<BoundFunction> Entries
    {
        get
        {
            using var guard = Guard();
            return Read();
        }
    }

    /// <summary>An entry, or null.</summary>
    public BoundFunction? Find(string address) => Entries.FirstOrDefault(entry => entry.Address == address);

    /// <summary>Adds an entry, unless the function has one: that one tells where it really was.</summary>
    public void Add(BoundFunction entry)
    {
        using var guard = Guard();
        var entries = Read();
        if (entries.All(other => other.Address != entry.Address))
            Write([.. entries, entry]);
    }

    /// <summary>Removes the entry of a function.</summary>
    public void Remove(string address)
    {
        using var guard = Guard();
        Write([.. Read().Where(entry => entry.Address != address)]);
    }

    private List<BoundFunction> Read()
    {
        if (!File.Exists(path))
            return [];
        var lines = File.ReadAllLines(path).Select(line => line.Split(' ')).Where(parts => parts.Length == 3);
        return [.. lines.Select(parts => new BoundFunction(parts[0], Null(parts[1]), Null(parts[2])))];
    }

    private void Write(List<BoundFunction> entries)
    {
        var text = new StringBuilder();
        foreach (var entry in entries)
            text.Append(entry.Address).Append(' ').Append(entry.Driver ?? "-").Append(' ').Append(entry.Override ?? "-").Append('\n');
        var next = path + ".next";
        using (var file = new FileStream(next, FileMode.Create, FileAccess.Write))
        {
            file.Write(Encoding.ASCII.GetBytes(text.ToString()));
            file.Flush(flushToDisk: true);
        }

        File.Move(next, path, overwrite: true);
    }

    /// <summary>Keeps other processes out.</summary>
    private FileStream Guard()
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            return new FileStream(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new ApertureException(
                Status.NotPermitted, $"the journal of bound devices, {path}, cannot be written: permission is missing; run as root", e);
        }
        catch (IOException e)
        {
            throw new ApertureException(Status.Busy, $"the journal of bound devices, {path}, cannot be used now: {e.Message}", e);
        }
    }

    private static string? Null(string word) => word == "-" ? null : word;
}
