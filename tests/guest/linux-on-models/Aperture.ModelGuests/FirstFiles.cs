using System.Globalization;
using System.Text;

namespace Aperture.ModelGuests;

/// <summary>The first file system of a guest: busybox, modules and a script that runs as its first process.</summary>
internal static class FirstFiles
{
    private const int Folder = 0x41ED;       // 040755
    private const int Program = 0x81ED;      // 0100755
    private const int File = 0x81A4;         // 0100644
    private const int Terminal = 0x2180;     // 020600

    /// <summary>The archive ("newc" of cpio).</summary>
    /// <param name="busybox">The program.</param>
    /// <param name="modules">Modules, in the order in which "load" loads them.</param>
    /// <param name="script">What runs when the file systems are there.</param>
    public static byte[] Build(byte[] busybox, IReadOnlyList<(string Name, byte[] Content)> modules, string script)
    {
        var init = $$"""
            #!/bin/busybox sh
            /bin/busybox --install -s /bin
            export PATH=/bin
            mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp
            echo "GUEST-INIT up $(cut -d' ' -f1 /proc/uptime) $(uname -srm)"
            load() { for m in {{string.Join(' ', modules.Select(module => module.Name))}}; do insmod /modules/$m.ko; done; }
            {{script}}
            echo "GUEST-END up $(cut -d' ' -f1 /proc/uptime)"
            poweroff -f
            """;
        using var archive = new MemoryStream();
        foreach (var folder in (IEnumerable<string>)["bin", "proc", "sys", "dev", "tmp", "modules"])
            Add(archive, folder, Folder, []);
        Add(archive, "dev/console", Terminal, [], 5, 1);
        Add(archive, "init", Program, Encoding.UTF8.GetBytes(init.ReplaceLineEndings("\n") + "\n"));
        Add(archive, "bin/busybox", Program, busybox);
        foreach (var (name, content) in modules)
            Add(archive, $"modules/{name}.ko", File, content);
        Add(archive, "TRAILER!!!", 0, []);
        return archive.ToArray();
    }

    private static void Add(MemoryStream archive, string name, int mode, ReadOnlySpan<byte> content, int major = 0, int minor = 0)
    {
        archive.Write("070701"u8);
        foreach (var value in (ReadOnlySpan<long>)
            [archive.Length, mode, 0, 0, 1, 0, content.Length, 0, 0, major, minor, name.Length + 1, 0])
        {
            archive.Write(Encoding.ASCII.GetBytes(value.ToString("x8", CultureInfo.InvariantCulture)));
        }

        archive.Write(Encoding.ASCII.GetBytes(name + "\0"));
        Pad(archive);
        archive.Write(content);
        Pad(archive);
    }

    private static void Pad(MemoryStream archive)
    {
        while (archive.Length % 4 != 0)
            archive.WriteByte(0);
    }
}
