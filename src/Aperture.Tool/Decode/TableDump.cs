using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using Aperture.Core;

namespace Aperture.Tool.Decode;

/// <summary>The pages of memory that an IOMMU could reach in a machine, and its registers: a folder with <c>registers.txt</c>
/// (<c>REG unit NAME=0x1234 …</c>) and <c>tables.jsonl</c>, or <c>tables.jsonl.gz</c> (a page a line, <c>pa</c> and
/// <c>base64</c>).</summary>
internal sealed class TableDump
{
    private const string RegisterFile = "registers.txt";
    private const int PageBytes = 4096;

    private readonly Dictionary<ulong, byte[]> _pages;
    private readonly Dictionary<string, ulong> _registers;

    private TableDump(string name, string unit, Dictionary<string, ulong> registers, Dictionary<ulong, byte[]> pages) =>
        (Name, Unit, _registers, _pages) = (name, unit, registers, pages);

    /// <summary>The folder.</summary>
    public string Name { get; }

    /// <summary>The kind of unit, as the file of registers has it.</summary>
    public string Unit { get; }

    /// <summary>Whether a name is such a folder.</summary>
    public static bool Is(string name) => File.Exists(Path.Combine(name, RegisterFile));

    /// <summary>Reads a folder.</summary>
    /// <exception cref="ApertureException">It cannot be read, or is something else.</exception>
    public static TableDump Load(string name)
    {
        try
        {
            var (unit, registers) = ReadRegisters(Path.Combine(name, RegisterFile));
            return new TableDump(name, unit, registers, ReadPages(name));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new ApertureException(Status.NotFound, $"'{name}' cannot be read: {e.Message}", e);
        }
        catch (Exception e) when (e is JsonException or FormatException or KeyNotFoundException or InvalidOperationException)
        {
            throw new ApertureException(Status.InvalidArgument, $"'{name}' is no dump of tables: {e.Message}", e);
        }
    }

    /// <summary>A register.</summary>
    /// <exception cref="ApertureException">It is not in the dump.</exception>
    public ulong Register(string name) => _registers.TryGetValue(name, out var value) ? value
        : throw new ApertureException(Status.InvalidArgument, $"'{Name}' does not say what {name} of the {Unit} is");

    /// <summary>Reads a word of 64 bits of memory.</summary>
    /// <returns>False where the dump does not have it.</returns>
    public bool TryRead(ulong address, out ulong word)
    {
        word = 0;
        if (address % sizeof(ulong) != 0 || !_pages.TryGetValue(address & ~(PageBytes - 1UL), out var page))
            return false;
        word = BinaryPrimitives.ReadUInt64LittleEndian(page.AsSpan((int)(address & (PageBytes - 1))));
        return true;
    }

    private static (string Unit, Dictionary<string, ulong> Registers) ReadRegisters(string file)
    {
        var registers = new Dictionary<string, ulong>(StringComparer.Ordinal);
        string? unit = null;
        foreach (var line in File.ReadLines(file))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words is not ["REG", var name, ..])
                continue;
            unit ??= name;
            foreach (var word in words.Skip(2))
            {
                if (word.Split('=') is not [var register, var value] || !HexNumber.TryParse(value, out var number))
                    throw new FormatException($"{RegisterFile}: '{word}' is no register");
                registers[register] = number;
            }
        }

        return unit is null ? throw new FormatException($"{RegisterFile} has no line REG") : (unit, registers);
    }

    private static Dictionary<ulong, byte[]> ReadPages(string folder)
    {
        var file = Path.Combine(folder, "tables.jsonl");
        var isPlain = File.Exists(file);
        using var stream = File.OpenRead(isPlain ? file : file + ".gz");
        using var text = new StreamReader(isPlain ? stream : new GZipStream(stream, CompressionMode.Decompress));
        var pages = new Dictionary<ulong, byte[]>();
        while (text.ReadLine() is { } line)
        {
            if (line.Length == 0)
                continue;
            using var page = JsonDocument.Parse(line);
            var place = page.RootElement.GetProperty("pa").GetString();
            var bytes = page.RootElement.GetProperty("base64").GetBytesFromBase64();
            if (!HexNumber.TryParse(place, out var address) || address % PageBytes != 0 || bytes.Length != PageBytes)
                throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"no page of {bytes.Length} bytes at {place}"));
            pages[address] = bytes;
        }

        return pages;
    }
}
