using Spectre.Console;

namespace Aperture.Tool;

/// <summary>Where commands write: with colours on a screen, plain and unwrapped into a pipe or a file.</summary>
internal static class Terminal
{
    private const int Unwrapped = 10_000;

    /// <summary>A console for people on top of a writer.</summary>
    public static IAnsiConsole For(TextWriter output)
    {
        var isScreen = ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected;
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = isScreen ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = isScreen ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
        });
        if (!isScreen)
            console.Profile.Width = Unwrapped;
        return console;
    }
}
