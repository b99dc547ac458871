using System.Diagnostics;
using Aperture.Boards.Running;

namespace Aperture.Tool.Tests.Run;

/// <summary>The tool as people start it.</summary>
public class ProcessTests
{
    [Fact]
    public void Without_arguments_it_shows_its_help()
    {
        var (code, output, error) = Tool.Start();
        Assert.Equal((0, ""), (code, error));
        Assert.All((string[])["run", "check", "conform"], command => Assert.Contains($"  {command} ", output, StringComparison.Ordinal));
        Assert.Matches(@"^\d+\.\d+\.\d+", Tool.Start("--version").Output);
    }

    [Theory]
    [InlineData("run")]
    [InlineData("check")]
    [InlineData("conform")]
    [InlineData("decode")]
    [InlineData("explain")]
    [InlineData("host")]
    [InlineData("serve")]
    [InlineData("completion")]
    public void Each_command_has_help_with_examples(string command)
    {
        var (code, output, _) = Tool.Start(command, "--help");
        Assert.Equal(0, code);
        Assert.Contains("Examples:", output, StringComparison.Ordinal);
        Assert.Contains($"  aperture {command}", output, StringComparison.Ordinal);
    }

    [BashTheory]
    [InlineData("aperture ch", "check")]
    [InlineData("aperture run --trace-k", "--trace-kernel")]
    [InlineData("aperture check omap3", "omap3-isp")]
    [InlineData("aperture completion --h", "--help")]
    public void Bash_completes_commands_options_and_boards(string line, string completed)
    {
        var words = line.Split(' ');
        var script = Tool.Start("completion", "bash").Output + $"COMP_WORDS=({line}); COMP_CWORD={words.Length - 1}; _aperture; "
            + "printf '%s\\n' \"${COMPREPLY[@]}\"";
        var start = new ProcessStartInfo("bash", ["-c", script])
        {
            RedirectStandardOutput = true,
            WorkingDirectory = Directory.CreateTempSubdirectory().FullName,
        };
        using var process = Process.Start(start)!;
        var told = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Directory.Delete(start.WorkingDirectory);
        Assert.Equal(completed, told.Trim());
    }

    [Fact]
    public void The_help_of_run_names_every_scenario()
    {
        var help = string.Join(' ', Tool.Start("run", "--help").Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        Assert.NotEmpty(Scenarios.All);
        Assert.All(Scenarios.All, scenario => Assert.Contains($"{scenario.Name} ({scenario.Description})", help, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("no such", "run", "no such")]
    [InlineData("no such", "check", "no such")]
    [InlineData("frob", "frob")]
    [InlineData("--frob", "run", "--frob")]
    [InlineData("BOARD.dtb", "check")]
    [InlineData("flight", "run", "--scenario", "flight")]
    public void Bad_command_lines_and_bad_input_are_one_line_on_the_error_stream(string name, params string[] arguments)
    {
        var (code, output, error) = Tool.Start(arguments);
        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith("aperture: ", error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.Contains(name == "BOARD.dtb" ? "check" : name, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Into_a_pipe_it_writes_no_escape_codes()
    {
        var (code, output, error) = Tool.Start("run", "dra7-dsp");
        Assert.Equal((0, ""), (code, error));
        Assert.DoesNotContain('\e', output);
        Assert.Contains("all held", output, StringComparison.Ordinal);
    }

    private sealed class BashTheoryAttribute : TheoryAttribute
    {
        public BashTheoryAttribute() => Skip = File.Exists("/bin/bash") ? null : "needs bash: the script is made for it";
    }
}
