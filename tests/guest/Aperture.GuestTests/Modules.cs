using System.Diagnostics;

namespace Aperture.GuestTests;

/// <summary>Kernel modules that not every test needs.</summary>
internal static class Modules
{
    /// <summary>Loads a module and what it needs, once.</summary>
    /// <returns>False when the kernel does not have it.</returns>
    public static bool Load(string name)
    {
        const string Checksums = "crc32c_generic"; // asked for by its name, so that no list of needs has it
        if (!File.Exists(ListOf(name)))
            return false;
        string[] before = File.Exists(ListOf(Checksums)) ? File.ReadAllLines(ListOf(Checksums)) : [];
        foreach (var file in before.Concat(File.ReadLines(ListOf(name))))
        {
            if (Directory.Exists($"/sys/module/{Path.GetFileNameWithoutExtension(file).Replace('-', '_')}"))
                continue;
            using var process = Process.Start("insmod", $"/modules/{file}");
            process.WaitForExit();
            Check.Equal(0, process.ExitCode, $"exit code of insmod {file}");
        }

        return true;
    }

    private static string ListOf(string name) => $"/modules/{name}.needs";
}
