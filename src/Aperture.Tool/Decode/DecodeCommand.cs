using System.CommandLine;

namespace Aperture.Tool.Decode;

/// <summary>The command <c>aperture decode</c>.</summary>
internal static class DecodeCommand
{
    /// <summary>The command. Exit code 0: printed; 2: no tables.</summary>
    public static Command Create()
    {
        var tables = new Argument<string[]>("TABLES")
        {
            Description = $"Each: {AcpiInput.Forms}.",
            Arity = ArgumentArity.OneOrMore,
        };
        var command = new Command("decode",
            "Print ACPI tables about IOMMUs, field by field.\n\nExamples:\n  aperture decode /sys/firmware/acpi/tables\n  "
                + "aperture decode dmar.bin\n\nExit codes: 0 printed; 2 no tables, or a bad command line.")
        {
            tables,
        };
        command.SetAction(result => Run(result.GetRequiredValue(tables), Console.Out));
        return command;
    }

    /// <summary>Runs the command.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(IReadOnlyList<string> names, TextWriter output)
    {
        // All are read before anything is written: bad input is one line.
        foreach (var table in names.Select(AcpiInput.Read).ToArray().SelectMany(set => set.Tables))
            table.Print(output);
        return 0;
    }
}
