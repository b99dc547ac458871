using Aperture.Boards.Checking;
using Spectre.Console;

namespace Aperture.Tool.Check;

/// <summary>Findings as people read them.</summary>
internal static class CheckText
{
    public static void Write(IReadOnlyList<CheckResult> results, IAnsiConsole console)
    {
        var isOne = results.Count == 1;
        foreach (var result in results)
        {
            foreach (var finding in result.Findings)
                Write(isOne ? "" : $"{result.Board}: ", finding, "", console);
        }

        if (!isOne)
            console.WriteLine($"{results.Count} boards, {results.Count(result => result.Findings.Any(IsError))} with errors");
        int Count(FindingSeverity severity) => results.Sum(result => result.Findings.Count(finding => finding.Severity == severity));
        var folded = results.Sum(result => result.Findings.Sum(finding => finding.FollowUps.Count));
        console.WriteLine($"{Count(FindingSeverity.Error)} errors, {Count(FindingSeverity.Warning)} warnings, "
            + $"{Count(FindingSeverity.Info)} notes{(folded == 0 ? "" : $", and {folded} that follow from them")}");
    }

    private static bool IsError(Finding finding) => finding.Severity == FindingSeverity.Error;

    private static void Write(string board, Finding finding, string indent, IAnsiConsole console)
    {
        var colour = finding.Severity switch
        {
            FindingSeverity.Error => "red",
            FindingSeverity.Warning => "yellow",
            _ => "grey",
        };
        var file = finding.Overlay is null ? board : $"{finding.Overlay}: ";
        console.MarkupLine($"{indent}{Markup.Escape(file)}[{colour}]{CheckCommand.Name(finding.Severity)}[/] "
            + $"{Markup.Escape(finding.Code)}: "
            + $"{Markup.Escape(finding.Node)}: {Markup.Escape(finding.Message)}");
        foreach (var followUp in finding.FollowUps)
            Write(board, followUp, indent + "  follows: ", console);
    }
}
