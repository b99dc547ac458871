using System.Diagnostics;
using System.Text;

namespace Aperture.ModelGuests;

/// <summary>An unpacked package of a kernel.</summary>
internal sealed class KernelPackage
{
    private readonly Dictionary<string, string> _modules = []; // files by names with underscores

    public KernelPackage(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            var name = Path.GetFileName(file);
            if (name.StartsWith("vmlinuz", StringComparison.Ordinal))
                Image = file;
            else if (name.IndexOf(".ko", StringComparison.Ordinal) is > 0 and var end)
                _modules[Plain(name[..end])] = file;
        }
    }

    /// <summary>The kernel.</summary>
    public string Image { get; } = "";

    /// <summary>Modules with all that they need, in the order in which they are loaded; what is built in is not among them.</summary>
    public IReadOnlyList<(string Name, byte[] Content)> Load(params IEnumerable<string> names)
    {
        var result = new List<(string Name, byte[] Content)>();
        foreach (var name in names)
            Add(Plain(name), result);
        return result;
    }

    private static string Plain(string name) => name.Replace('-', '_');

    private void Add(string name, List<(string Name, byte[] Content)> result)
    {
        if (!_modules.TryGetValue(name, out var file) || result.Exists(module => module.Name == name))
            return;
        var content = Unpack(file);
        foreach (var needed in NeededBy(content))
            Add(Plain(needed), result);
        result.Add((name, content));
    }

    /// <summary>What a module's own notes say that it needs.</summary>
    private static string[] NeededBy(byte[] module)
    {
        var key = "\0depends="u8;
        var at = module.AsSpan().IndexOf(key);
        if (at < 0)
            return [];
        var text = module.AsSpan(at + key.Length);
        return Encoding.ASCII.GetString(text[..text.IndexOf((byte)0)]).Split(',', StringSplitOptions.RemoveEmptyEntries);
    }

    private static byte[] Unpack(string file)
    {
        if (Path.GetExtension(file) == ".ko")
            return File.ReadAllBytes(file);
        using var process = Process.Start(new ProcessStartInfo(Path.GetExtension(file) == ".zst" ? "zstd" : "xz", ["-qdc", file])
        {
            RedirectStandardOutput = true,
        })!;
        using var content = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(content);
        process.WaitForExit();
        return process.ExitCode == 0 ? content.ToArray() : throw new IOException($"{file} cannot be unpacked");
    }
}
