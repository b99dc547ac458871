using System.CommandLine;
using System.CommandLine.Help;
using Aperture.Core;
using Aperture.Tool.Check;
using Aperture.Tool.Complete;
using Aperture.Tool.Conform;
using Aperture.Tool.Decode;
using Aperture.Tool.Explain;
using Aperture.Tool.Host;
using Aperture.Tool.Run;
using Aperture.Tool.Serve;

// Exit codes: 0 what was tested held, 1 something did not, 2 bad input or a bad command line, 3 nothing was tested.
var root = new Command("aperture", "IOMMUs and DMA mapping, on simulated boards and on this machine.")
{
    new HelpOption(),
    new VersionOption(),
    RunCommand.Create(),
    CheckCommand.Create(),
    DecodeCommand.Create(),
    ConformCommand.Create(),
    ExplainCommand.Create(),
    HostCommand.Create(),
    ServeCommand.Create(),
};
root.Add(CompletionCommand.Create(root));
var parsed = root.Parse(args.Length == 0 ? ["--help"] : args);
if (parsed.Errors.Count > 0)
{
    Console.Error.WriteLine($"aperture: {string.Join(' ', parsed.Errors.Select(error => error.Message))} Try 'aperture --help'.");
    return 2;
}

try
{
    return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (ApertureException e)
{
    return Refuse(e.Message);
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException)
{
    // Whoever reads us went away, the disk is full, or the output was closed before we began.
    return Refuse($"cannot write the output: {e.Message}");
}

static int Refuse(string message)
{
    try
    {
        Console.Error.WriteLine($"aperture: {message.ReplaceLineEndings(" ")}");
    }
    catch (Exception e) when (e is IOException or UnauthorizedAccessException)
    {
        // Nobody is there to be told; the exit code says it.
    }

    return 2;
}
