using System.Buffers.Binary;
using System.Text;
using Aperture.Acpi.Mcfg;

namespace Aperture.Acpi;

/// <summary>The tables about IOMMUs of one machine, at least one, and its MCFG.</summary>
public sealed class AcpiTableSet
{
    private const int RootPointerBytes = 36;

    private AcpiTableSet(IReadOnlyList<AcpiTable> tables) => Tables = tables;

    /// <summary>The tables, in the order in which they were found.</summary>
    public IReadOnlyList<AcpiTable> Tables { get; }

    /// <summary>Whether bytes begin like a table, so that <see cref="Parse"/> is the one to ask: a signature of four capital letters,
    /// digits or underscores, and a length that is possible.</summary>
    public static bool Looks(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < AcpiTable.HeaderBytes)
            return false;
        foreach (var letter in bytes[..4])
        {
            if (letter is not (>= (byte)'A' and <= (byte)'Z' or >= (byte)'0' and <= (byte)'9' or (byte)'_'))
                return false;
        }

        var length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        return length >= AcpiTable.HeaderBytes && length <= bytes.Length;
    }

    /// <summary>Reads tables that lie one behind the other, as in a dump of memory or in what an emulator gives to its firmware. Tables
    /// about other things, and zeros between tables, are passed over.</summary>
    /// <exception cref="AcpiException">One cannot be read, or there is none about IOMMUs.</exception>
    public static AcpiTableSet Parse(ReadOnlyMemory<byte> bytes)
    {
        var tables = new List<AcpiTable>();
        var others = new List<string>();
        for (var at = 0; at < bytes.Length;)
        {
            if (bytes.Span[at] == 0)
            {
                at++;
                continue;
            }

            if (bytes.Length - at >= RootPointerBytes && bytes.Span.Slice(at, 8).SequenceEqual("RSD PTR "u8))
            {
                at += RootPointerBytes;
                continue;
            }

            var rest = bytes[at..];
            var signature = AcpiTable.SignatureOf(rest.Span);
            var length = AcpiTable.LengthOf(rest.Span, 0);
            if (AcpiTable.IsKnown(signature))
                tables.Add(AcpiTable.Parse(rest[..length]));
            else
                others.Add(signature);
            at += length;
        }

        others.AddRange(tables.OfType<McfgTable>().Select(table => table.Signature));
        return tables.Exists(IsAboutUnits) ? new AcpiTableSet(tables) : throw new AcpiException(
            others.Count == 0 ? "there is no ACPI table" : $"there is no table of IOMMUs among {string.Join(", ", others)}");
    }

    /// <summary>Reads a table, a file of several, or a folder of files such as a saved <c>/sys/firmware/acpi/tables</c>. In a folder
    /// whatever is no table about IOMMUs is passed over.</summary>
    /// <exception cref="AcpiException">One cannot be read, or there is none.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static AcpiTableSet Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!Directory.Exists(path))
            return Parse(File.ReadAllBytes(path));
        var tables = new List<AcpiTable>();
        foreach (var file in Directory.EnumerateFiles(path).Order(StringComparer.Ordinal))
        {
            var bytes = File.ReadAllBytes(file);
            if (bytes.Length >= AcpiTable.HeaderBytes && AcpiTable.IsKnown(Encoding.ASCII.GetString(bytes, 0, 4)))
                tables.Add(AcpiTable.Parse(bytes));
        }

        return tables.Exists(IsAboutUnits) ? new AcpiTableSet(tables) : throw new AcpiException(
            $"{path}: there is no table of IOMMUs in this folder");
    }

    private static bool IsAboutUnits(AcpiTable table) => table is not McfgTable;
}
