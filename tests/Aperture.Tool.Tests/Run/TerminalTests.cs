using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Aperture.DeviceTrees;
using Aperture.Tool.Run;

namespace Aperture.Tool.Tests.Run;

/// <summary>The tool as people see it: in a pseudo-terminal of 80 columns (script, of Debian's bsdutils), and with its outputs
/// closed.</summary>
public partial class TerminalTests
{
    private const string Hide = "\e[?25l", Show = "\e[?25h";

    public static TheoryData<string> Boards => [.. BoardFile.Embedded];

    [TerminalTheory]
    [MemberData(nameof(Boards))]
    public void A_run_fits_eighty_columns_and_brings_the_cursor_back(string board)
    {
        var (code, output) = InTerminal($"run {board}");
        Assert.Equal(0, code);
        Assert.All(Lines(output), line => Assert.True(line.Length <= 80, line));
        Assert.Contains("all held", output, StringComparison.Ordinal);
        Assert.True(output.LastIndexOf(Show, StringComparison.Ordinal) >= output.LastIndexOf(Hide, StringComparison.Ordinal));
    }

    [TerminalTheory]
    [InlineData("check")]
    [InlineData("run")]
    public void A_board_without_masters_crashed_the_run_in_a_terminal(string command)
    {
        var writer = new DeviceTreeWriter();
        writer.BeginNode("").Strings("compatible", "test,nothing").Cells("#address-cells", 1).Cells("#size-cells", 1);
        writer.BeginNode("memory@80000000").Strings("device_type", "memory").Cells("reg", 0x8000_0000, 0x100_0000).EndNode().EndNode();
        using var file = new TemporaryFile(writer.ToArray());
        var (code, output) = InTerminal($"{command} {file.Path}");
        Assert.Equal(command == "run" ? 3 : 0, code);
        Assert.DoesNotContain("xception", output, StringComparison.Ordinal);
        Assert.Contains(command == "run" ? "nothing was tested" : "0 errors", output, StringComparison.Ordinal);
    }

    [TerminalTheory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public void A_signal_left_the_cursor_hidden_and_half_a_line_in_the_trace(string signal, int exit)
    {
        using var trace = new TemporaryFile();
        using var process = Start($"run exynos4412-media --trace {trace.Path}");
        var output = new StringBuilder();
        var buffer = new char[1024];
        var isKilled = false;
        for (int count; (count = process.StandardOutput.Read(buffer)) > 0;)
        {
            output.Append(buffer, 0, count);
            if (isKilled || !output.ToString().Contains(Hide, StringComparison.Ordinal))
                continue;
            isKilled = true;
            using var kill = Process.Start("kill", ["-" + signal, Pid().Match(output.ToString()).Groups[1].Value]);
            kill.WaitForExit();
        }

        process.WaitForExit();
        Assert.True(isKilled);
        var text = output.ToString();
        Assert.True(text.LastIndexOf(Show, StringComparison.Ordinal) > text.LastIndexOf(Hide, StringComparison.Ordinal));
        Assert.Contains(process.ExitCode, (int[])[exit, 0]); // it may have been over already
        var written = File.ReadAllBytes(trace.Path);
        Assert.True(written.Length == 0 || written[^1] == '\n');
    }

    [Fact]
    public void A_file_that_a_signal_ends_ends_at_a_line()
    {
        using var file = new TemporaryFile();
        using (var output = new OutputFile(file.Path))
        {
            output.Write("one\ntw"u8);
            output.Write("o\nthr"u8);
            output.EndAtLine();
            output.Write("ee\n"u8);
            Assert.Contains("a signal ended", Assert.Throws<Core.ApertureException>(output.Complete).Message, StringComparison.Ordinal);
        }

        Assert.Equal("one\ntwo\n", File.ReadAllText(file.Path));
    }

    [Theory]
    [InlineData("run >&-", 2)]
    [InlineData("run >/dev/full", 2)]
    [InlineData("check nowhere 2>&-", 2)]
    [InlineData("run nowhere >&- 2>&-", 2)]
    public void Closed_outputs_are_no_crash(string arguments, int exit)
    {
        var start = new ProcessStartInfo("sh", ["-c", $"dotnet '{Program}' {arguments}"]) { RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(exit, process.ExitCode);
        Assert.DoesNotContain("xception", error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_standard_input_was_a_file_of_that_name()
    {
        var board = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        var writer = new DeviceTreeWriter();
        writer.Copy(BoardFile.Read("omap3-isp").Root);
        File.WriteAllBytes(board, writer.ToArray());
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo("sh", ["-c", $"dotnet '{Program}' check - <'{board}'"]) { RedirectStandardOutput = true })!;
            Assert.Equal("0 errors, 0 warnings, 0 notes", process.StandardOutput.ReadToEnd().Trim());
            process.WaitForExit();
            Assert.Equal(0, process.ExitCode);
        }
        finally
        {
            File.Delete(board);
        }
    }

    private static string Program => typeof(RunCommand).Assembly.Location;

    private static (int Code, string Output) InTerminal(string arguments)
    {
        using var process = Start(arguments);
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }

    private static Process Start(string arguments)
    {
        var command = $"stty cols 80 rows 24; echo pid $$; exec dotnet '{Program}' {arguments}";
        var start = new ProcessStartInfo("script", ["-qec", command, "/dev/null"])
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true, // a terminal of its own, whatever ours is
        };
        start.Environment["TERM"] = "xterm";
        start.Environment["SHELL"] = "/bin/sh";
        start.Environment.Remove("NO_COLOR");
        start.Environment.Remove("CI");
        return Process.Start(start)!;
    }

    private static IEnumerable<string> Lines(string output) =>
        Escape().Replace(output, "").Split('\n').Select(line => line.TrimEnd('\r').Split('\r')[^1]);

    [GeneratedRegex(@"\e\[[0-9;?]*[A-Za-z]")]
    private static partial Regex Escape();

    [GeneratedRegex(@"pid (\d+)", RegexOptions.None)]
    private static partial Regex Pid();

    private sealed class TerminalTheoryAttribute : TheoryAttribute
    {
        public TerminalTheoryAttribute() => Skip = Environment.GetEnvironmentVariable("PATH")?.Split(':')
            .Any(folder => File.Exists(Path.Combine(folder, "script"))) == true ? null : "needs script (package bsdutils)";
    }
}
