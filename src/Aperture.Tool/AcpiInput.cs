using System.Text;
using Aperture.Acpi;
using Aperture.Boards.Acpi;
using Aperture.Core;

namespace Aperture.Tool;

/// <summary>Finds ACPI tables: a table, a file of several, or a folder of files.</summary>
internal static class AcpiInput
{
    /// <summary>What can be given, for help texts.</summary>
    public const string Forms = "a file of ACPI tables about IOMMUs (DMAR, IORT, IVRS, RIMT, VIOT), or a folder of such as "
        + "/sys/firmware/acpi/tables";

    /// <summary>Whether there are ACPI tables; what is anything else is left to others.</summary>
    public static bool Is(string name)
    {
        if (Directory.Exists(name))
            return Directory.EnumerateFiles(name).Any(file => AcpiTable.IsKnown(Path.GetFileName(file)) || Begins(file));
        return Begins(name);
    }

    /// <summary>Reads them.</summary>
    /// <exception cref="ApertureException">There are none, or one cannot be read.</exception>
    public static AcpiTableSet Read(string name)
    {
        try
        {
            return AcpiTableSet.Load(name);
        }
        catch (AcpiException e)
        {
            throw new ApertureException(e.Status, $"{name}: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ApertureException(Status.NotFound, $"'{name}' cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Reads them as a board that boots.</summary>
    /// <exception cref="ApertureException">There are none, one cannot be read, there is no unit that has a model, or there are overlays,
    /// which are about device trees.</exception>
    public static AcpiBoard Describe(string name, IReadOnlyList<string> overlays)
    {
        if (overlays.Count > 0)
            throw new ApertureException(Status.NotSupported, $"{name}: these are ACPI tables, and --overlay is about device trees");
        var tables = Read(name);
        try
        {
            return AcpiBoard.Describe(tables);
        }
        catch (ApertureException e)
        {
            throw new ApertureException(e.Status, $"{name}: {e.Message}", e);
        }
    }

    private static bool Begins(string file)
    {
        try
        {
            using var stream = File.OpenRead(file);
            Span<byte> begin = stackalloc byte[4];
            if (stream.ReadAtLeast(begin, begin.Length, throwOnEndOfStream: false) < begin.Length)
                return false;
            // a table about IOMMUs, or what stands first where several lie one behind the other
            return AcpiTable.IsKnown(Encoding.ASCII.GetString(begin)) || begin.SequenceEqual("FACS"u8) || begin.SequenceEqual("RSD "u8);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return false; // whoever reads it says why it cannot be read
        }
    }
}
