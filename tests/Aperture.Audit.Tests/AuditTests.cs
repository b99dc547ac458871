namespace Aperture.Audit.Tests;

/// <summary>Tests of the tests: what can pass without having found out anything is not a test.</summary>
public sealed class AuditTests
{
    private static readonly TestAssemblies s_tests = new(TestAssemblies.Built());

    [Fact]
    public void No_test_can_pass_without_asserting()
    {
        var paths = new AssertionPaths(s_tests);
        Assert.True(s_tests.Tests.Count() > 1000); // they were found
        AssertNone(
            s_tests.Tests.Where(test => !paths.Asserts(test)).Select(test => $"{test.DeclaringType.FullName}.{test.Name}"),
            "can pass without asserting");
    }

    [Fact]
    public void No_hook_asserts_without_a_trace_that_it_was_called() =>
        AssertNone(
            new Hooks(s_tests).Uncounted().Where(hook => !hook.Contains(nameof(Examples), StringComparison.Ordinal)),
            "assert in a hook that may never be called");

    [Fact]
    public void No_test_looks_for_a_text_that_may_be_empty() =>
        AssertNone(new EmptyTexts(s_tests).Matched(), "look for the empty text, which everything contains");

    /// <summary>Attributes that skip, and those that are derived to skip, say why.</summary>
    [Fact]
    public void Every_skip_has_a_reason() => AssertNone(
        s_tests.SkipReasons.Where(skip => skip.Reason.Length < 30)
            .Select(skip => $"{skip.Where}: {skip.Reason}"),
        "are skipped without a reason");

    /// <summary>What hangs has to fail: the run's settings end it, and every project has them.</summary>
    [Fact]
    public void A_test_that_hangs_fails()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Parent!.Parent!.Parent!.Parent!;
        var settings = File.ReadAllText(Path.Combine(root.FullName, "tests", "test.runsettings"));
        Assert.Contains("CollectDumpOnTestSessionHang", settings, StringComparison.Ordinal);
        var properties = File.ReadAllText(Path.Combine(root.FullName, "Directory.Build.props"));
        Assert.Contains("tests/test.runsettings</RunSettingsFilePath>", properties, StringComparison.Ordinal);
    }

    private static void AssertNone(IEnumerable<string> found, string what)
    {
        var list = found.Distinct().Order(StringComparer.Ordinal).ToList();
        Assert.True(list.Count == 0, $"{list.Count} tests {what}:\n{string.Join('\n', list)}");
    }
}
