using System.Globalization;
using Aperture.Core;

namespace Aperture.Linux.Hosts;

/// <summary>The kernel's files about the host, below a root that tests can move.</summary>
internal sealed class HostFiles(string root)
{
    /// <summary>Called after each write with path and text: where a test's stand-in for the kernel reacts.</summary>
    public Action<string, string>? Wrote { get; init; }

    /// <summary>What is asked of the kernel by other means than its files.</summary>
    public IHostCalls Calls { get; init; } = new LinuxCalls();

    /// <summary>The real path of a file.</summary>
    public string PathOf(string path) => Path.Join(root, path);

    /// <summary>Whether a file, a directory or a link is there.</summary>
    public bool Exists(string path) => File.Exists(PathOf(path)) || Directory.Exists(PathOf(path)) || ReadLink(path) is not null;

    /// <summary>A file's text without white space around it; null when it is not there or tells nothing.</summary>
    public string? Read(string path)
    {
        try
        {
            return File.ReadAllText(PathOf(path)).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>A file's number, as the kernel writes it: <c>0x</c> and hexadecimal, or decimal.</summary>
    public uint? ReadNumber(string path)
    {
        var text = Read(path);
        var isHex = text?.StartsWith("0x", StringComparison.Ordinal) == true;
        var digits = isHex ? text.AsSpan(2) : text;
        var style = isHex ? NumberStyles.HexNumber : NumberStyles.None;
        return uint.TryParse(digits, style, CultureInfo.InvariantCulture, out var value) ? value : null;
    }

    /// <summary>The last part of where a link leads; null when there is none.</summary>
    public string? ReadLink(string path) => new FileInfo(PathOf(path)).LinkTarget is { } target ? Path.GetFileName(target) : null;

    /// <summary>Where a link leads, as it is written; null when there is none.</summary>
    public string? LinkTarget(string path) => new FileInfo(PathOf(path)).LinkTarget;

    /// <summary>Where a chain of links ends; null when the path is no link, or the links go round.</summary>
    public string? RealPath(string path)
    {
        try
        {
            return new FileInfo(PathOf(path)).ResolveLinkTarget(returnFinalTarget: true)?.FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The paths that there are of a pattern in which <c>*</c> stands for any one name.</summary>
    public IEnumerable<string> Match(string pattern)
    {
        IEnumerable<string> found = [""];
        foreach (var part in pattern.Split('/'))
        {
            found = found.SelectMany(parent => part == "*"
                ? List(parent).Select(name => $"{parent}{name}/")
                : Exists(parent + part) ? [$"{parent}{part}/"] : (IEnumerable<string>)[]);
        }

        return found.Select(path => path.TrimEnd('/'));
    }

    /// <summary>Names of what a directory holds, in order; none when it is not there.</summary>
    public IEnumerable<string> List(string path)
    {
        try
        {
            var entries = Directory.EnumerateFileSystemEntries(PathOf(path)).Select(entry => Path.GetFileName(entry));
            return entries.Order(StringComparer.Ordinal).ToArray();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Writes into a file of the kernel's.</summary>
    /// <exception cref="ApertureException">The kernel refuses.</exception>
    public void Write(string path, string text)
    {
        try
        {
            using (var file = new FileStream(PathOf(path), FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0))
                file.Write(System.Text.Encoding.ASCII.GetBytes(text));
            Wrote?.Invoke(path, text);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new ApertureException(Status.NotPermitted, $"/{path} cannot be written: permission is missing; run as root", e);
        }
        catch (IOException e)
        {
            var status = e is FileNotFoundException or DirectoryNotFoundException ? Status.NotFound : Status.IoError;
            throw new ApertureException(status, $"/{path} does not take '{text.Trim()}': {e.Message}", e);
        }
    }
}
