using System.Diagnostics;

namespace Aperture.Fuzzing;

/// <summary>The program in a copy whose readers count their branches (SharpFuzz): it is they that say which inputs are new.</summary>
internal static class InstrumentedCopy
{
    private static readonly string[] s_readers =
        ["Aperture.DeviceTrees.dll", "Aperture.dll", "Aperture.Boards.dll", "Aperture.Conformance.dll"];

    /// <summary>Starts the program anew there.</summary>
    /// <param name="arguments">Its command line.</param>
    /// <param name="variable">The environment variable that tells it that it is the copy.</param>
    /// <returns>Its exit code.</returns>
    public static int Start(string[] arguments, string variable)
    {
        var folder = Directory.CreateTempSubdirectory("fuzzing").FullName;
        try
        {
            foreach (var file in Directory.GetFiles(AppContext.BaseDirectory))
                File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
            foreach (var reader in s_readers)
                SharpFuzz.Fuzzer.Instrument(Path.Combine(folder, reader), _ => true, SharpFuzz.Options.Value);
            var start = new ProcessStartInfo("dotnet", [Path.Combine(folder, "Aperture.Fuzzing.dll"), .. arguments]);
            start.Environment[variable] = "1";
            start.Environment["APERTURE_ROOT"] = FuzzTargets.Root;
            using var process = Process.Start(start)!;
            process.WaitForExit();
            return process.ExitCode;
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }
}
