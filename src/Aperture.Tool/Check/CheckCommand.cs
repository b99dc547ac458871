using System.CommandLine;
using Aperture.Boards.Checking;
using Aperture.Boards.Checking.Acpi;
using Aperture.Core;

namespace Aperture.Tool.Check;

/// <summary>The command <c>aperture check</c>.</summary>
internal static class CheckCommand
{
    /// <summary>The command. Exit code 0: no error; 1: an error, or with <c>--strict</c> a warning; 2: no device tree.</summary>
    public static Command Create()
    {
        var boards = new Argument<string[]>("BOARD.dtb")
        {
            Description = $"Each: {BoardInput.Forms}; or {AcpiInput.Forms}.",
            Arity = ArgumentArity.OneOrMore,
        };
        boards.Validators.Add(BoardInput.RefuseOptions);
        var overlays = BoardInput.OverlayOption();
        var json = new Option<bool>("--json") { Description = "Print one JSON object." };
        var sarif = new Option<bool>("--sarif") { Description = "Print a SARIF 2.1.0 log, which CI systems show beside the files." };
        var strict = new Option<bool>("--strict") { Description = "Warnings fail, too." };
        var required = new Option<string[]>("--require")
        {
            Description = "Fail unless a device is behind an enabled IOMMU: its path, name or compatible string; * stands for any "
                + "text. Repeatable.",
            HelpName = "PATTERN",
        };
        var command = new Command("check",
            "Check device trees' IOMMU wiring before they boot.\n\nExamples:\n  aperture check board.dtb\n  aperture check board.dtb "
                + "--overlay " +
            "camera.dtbo\n  aperture check build/*.dtb --strict --sarif > findings.sarif\n  aperture check board.dtb --require "
                + "'*usb*'\n\n" +
            "Exit codes: 0 no error; 1 an error (with --strict, a warning); 2 no device tree, or a bad command line.")
        {
            boards, overlays, json, sarif, strict, required,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(json) && result.GetValue(sarif))
                result.AddError("--json and --sarif exclude each other.");
        });
        command.SetAction(result => Run(
            result.GetRequiredValue(boards),
            new CheckOptions
            {
                Overlays = result.GetValue(overlays) ?? [],
                Form = result.GetValue(json) ? CheckForm.Json : result.GetValue(sarif) ? CheckForm.Sarif : CheckForm.Text,
                IsStrict = result.GetValue(strict),
                Required = result.GetValue(required) ?? [],
            },
            Console.Out));
        return command;
    }

    /// <summary>Runs the command.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(IReadOnlyList<string> boards, CheckOptions options, TextWriter output)
    {
        // All are read before anything is written: bad input is one line.
        var checks = boards.Select(board => AcpiInput.Is(board) ? OfTables(board, options) : OfTree(board, options)).ToArray();
        var results = checks.Select(check => check()).ToArray();
        switch (options.Form)
        {
            case CheckForm.Json:
                CheckJson.Write(results, output);
                break;
            case CheckForm.Sarif:
                CheckSarif.Write(results, output);
                break;
            default:
                CheckText.Write(results, Terminal.For(output));
                break;
        }

        var fails = options.IsStrict ? FindingSeverity.Warning : FindingSeverity.Error;
        return results.Any(result => result.Findings.Any(finding => finding.Severity >= fails)) ? 1 : 0;
    }

    private static Func<CheckResult> OfTree(string board, CheckOptions options)
    {
        var input = BoardInput.Read(board, options.Overlays);
        return () => new CheckResult(
            input.Name, [.. BoardChecker.Check(input.Tree), .. BoardChecker.Require(input.Tree.Tree, options.Required)]);
    }

    private static Func<CheckResult> OfTables(string name, CheckOptions options)
    {
        if (options.Overlays.Count > 0 || options.Required.Count > 0)
        {
            throw new ApertureException(
                Status.NotSupported, $"{name}: these are ACPI tables, and --overlay and --require are about device trees");
        }

        var tables = AcpiInput.Read(name);
        return () => new CheckResult(name, AcpiChecker.Check(tables));
    }

    /// <summary>A severity's name.</summary>
    internal static string Name(FindingSeverity severity) => severity switch
    {
        FindingSeverity.Error => "error",
        FindingSeverity.Warning => "warning",
        _ => "info",
    };
}
