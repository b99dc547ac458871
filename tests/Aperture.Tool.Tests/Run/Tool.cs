using System.Diagnostics;
using Aperture.Core;
using Aperture.Tool.Run;

namespace Aperture.Tool.Tests.Run;

/// <summary>Runs the tool, in this process or as one of its own.</summary>
internal static class Tool
{
    /// <summary>The command's face: what it prints and its exit code. Bad input is told as Program does.</summary>
    public static (int Code, string Output, string Error) Run(string? board, string? scenario = null, bool json = false,
        string? trace = null, string? picture = null, int? seed = null, string? amount = null)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        int code;
        try
        {
            var options = new RunOptions
            {
                Board = board,
                Scenario = scenario,
                IsJson = json,
                Trace = trace,
                Picture = picture,
                Seed = seed,
                Amount = amount,
            };
            code = RunCommand.Run(options, output, errors);
        }
        catch (ApertureException e)
        {
            errors.WriteLine(e.Message);
            code = 2;
        }

        return (code, output.ToString(), errors.ToString());
    }

    /// <summary>A process with the given command line.</summary>
    public static (int Code, string Output, string Error) Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(typeof(RunCommand).Assembly.Location);
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}
