using System.CommandLine;
using System.Globalization;
using Aperture.Acpi;
using Aperture.Core;
using Aperture.Datasheets.Pci;

namespace Aperture.Tool.Decode;

/// <summary>The command <c>aperture decode</c>.</summary>
internal static class DecodeCommand
{
    /// <summary>The command. Exit code 0: printed; 2: nothing to print.</summary>
    public static Command Create()
    {
        var tables = new Argument<string[]>("TABLES")
        {
            Description = $"Each: {AcpiInput.Forms}; or a folder with registers.txt and tables.jsonl.gz, the tables of an SMMUv3 in the "
                + "memory of a machine.",
            Arity = ArgumentArity.OneOrMore,
        };
        var function = new Option<string?>("--bdf")
        {
            Description = "Of an SMMUv3: only this PCI function (0000:00:01.0, 00:01.0) or stream (0x8).",
        };
        var iova = new Option<string?>("--iova")
        {
            Description = "Of an SMMUv3: the entries on the way to this device address (0x100000), instead of all that is mapped.",
        };
        var command = new Command("decode",
            "Print tables field by field: ACPI tables about IOMMUs, or an SMMUv3's from the memory of a machine.\n\nExamples:\n"
                + "  aperture decode /sys/firmware/acpi/tables\n  aperture decode dmar.bin\n"
                + "  aperture decode dump --bdf 00:01.0 --iova 0x100000\n\n"
                + "Exit codes: 0 printed; 2 no tables, no such function, or a bad command line.")
        {
            tables,
            function,
            iova,
        };
        command.SetAction(result => Run(
            result.GetRequiredValue(tables), result.GetValue(function), result.GetValue(iova), Console.Out));
        return command;
    }

    /// <summary>Runs the command.</summary>
    /// <param name="names">What to print.</param>
    /// <param name="function">A PCI function or a stream; null for all.</param>
    /// <param name="iova">A device address; null for all.</param>
    /// <param name="output">Where to.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="ApertureException">Something cannot be read, or is not what it has to be.</exception>
    public static int Run(IReadOnlyList<string> names, string? function, string? iova, TextWriter output)
    {
        var stream = function is null ? default(uint?) : StreamOf(function);
        var address = iova is null ? default(ulong?) : HexNumber.TryParse(iova, out var number) ? number
            : throw new ApertureException(Status.InvalidArgument, $"'{iova}' is no device address, as 0x100000 is");

        // All are read before anything is written: bad input is one line.
        var inputs = new List<(TableDump? Dump, AcpiTableSet? Tables)>();
        foreach (var name in names)
            inputs.Add(TableDump.Is(name) ? (TableDump.Load(name), null) : (null, AcpiInput.Read(name)));
        if ((function ?? iova) is not null && inputs.Exists(input => input.Tables is not null))
            throw new ApertureException(Status.InvalidArgument, "--bdf and --iova are for the tables of an SMMUv3, not for ACPI's");
        foreach (var (dump, tables) in inputs)
        {
            if (dump is not null)
                Print(dump, stream, address, output);
            foreach (var table in tables?.Tables ?? [])
                table.Print(output);
        }

        return 0;
    }

    private static void Print(TableDump dump, uint? stream, ulong? address, TextWriter output)
    {
        if (dump.Unit != SmmuV3Decoder.Unit)
        {
            throw new ApertureException(
                Status.NotSupported, $"'{dump.Name}' holds the tables of a unit '{dump.Unit}'; {SmmuV3Decoder.Unit} is known");
        }

        new SmmuV3Decoder(dump, output).Print(stream, address);
    }

    /// <summary>A stream by its number, or by the PCI function that has it where a host passes requester ids on.</summary>
    private static uint StreamOf(string function)
    {
        var parts = function.Split(':', '.');
        if (parts.Length == 1 && HexNumber.TryParse(function, out var number) && number <= uint.MaxValue)
            return (uint)number;
        var place = parts.Length == 4 ? parts[1..] : parts;
        if (place.Length == 3 && byte.TryParse(place[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var bus)
            && byte.TryParse(place[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var device) && device < 32
            && byte.TryParse(place[2], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var index) && index < 8)
            return new PciAddress(bus, device, index).Value;
        throw new ApertureException(
            Status.InvalidArgument, $"'{function}' is no PCI function, as 0000:00:01.0 is, and no stream, as 0x8 is");
    }
}
