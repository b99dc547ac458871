using System.Text.RegularExpressions;

namespace Aperture.Audit.Tests;

/// <summary>docs/requirements.md: every row has tests, and they exist.</summary>
public sealed partial class RequirementTests
{
    private static readonly string[] s_rows =
    [
        .. Rows('A', 8), .. Rows('B', 14), .. Rows('C', 7), .. Rows('D', 3), .. Rows('E', 5), "F", "G", .. Rows('H', 7),
    ];

    [Fact]
    public void Every_row_is_there_once_and_names_tests_that_exist()
    {
        var classes = new TestAssemblies(TestAssemblies.Built()).Tests.Select(test => test.DeclaringType.Name.Split('`')[0])
            .ToHashSet(StringComparer.Ordinal);
        var root = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Parent!.Parent!.Parent!.Parent!;
        var rows = File.ReadAllLines(Path.Combine(root.FullName, "docs", "requirements.md"))
            .Select(line => Row().Match(line)).Where(match => match.Success).ToArray();
        Assert.Equal(s_rows, rows.Select(row => row.Groups["row"].Value));
        Assert.All(rows, row =>
        {
            var named = Named().Matches(row.Groups["tests"].Value).Select(match => match.Groups[1].Value).ToArray();
            Assert.True(named.Length > 0, $"{row.Groups["row"].Value} names no test");
            Assert.All(named, name => Assert.True(classes.Contains(name), $"{row.Groups["row"].Value} names {name}, which has no tests"));
        });
    }

    private static IEnumerable<string> Rows(char letter, int count) => Enumerable.Range(1, count).Select(number => $"{letter}{number}");

    [GeneratedRegex(@"^\| (?<row>[A-H]\d*) \| [^|]+ \| (?<tests>[^|]+) \|$")]
    private static partial Regex Row();

    [GeneratedRegex("`([A-Za-z0-9]+Tests)`")]
    private static partial Regex Named();
}
