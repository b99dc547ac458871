using System.CommandLine;
using System.Text;

namespace Aperture.Tool.Complete;

/// <summary>The command <c>aperture completion</c>: what a shell needs to complete the tool's commands, options and boards.</summary>
internal static class CompletionCommand
{
    /// <summary>The command.</summary>
    /// <param name="root">The tool's commands, this one aside.</param>
    public static Command Create(Command root)
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new Command("completion",
            "Print a script that completes commands and options.\n\nExamples:\n  source <(aperture completion bash)\n  aperture "
                + "completion zsh >> " +
            "~/.zshrc\n  aperture completion fish > ~/.config/fish/completions/aperture.fish") { shell };
        command.SetAction(result =>
        {
            Console.Out.Write(Script(result.GetRequiredValue(shell), root));
            return 0;
        });
        return command;
    }

    /// <summary>A shell's script.</summary>
    public static string Script(string shell, Command root) => shell == "fish" ? Fish(root) : Bash(root, shell == "zsh");

    private static string Bash(Command root, bool isZsh)
    {
        var script = new StringBuilder();
        if (isZsh)
            script.Append("autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n");
        script.Append("_aperture() {\n  local word=${COMP_WORDS[COMP_CWORD]} words=\n  case ${COMP_WORDS[1]} in\n");
        foreach (var command in root.Subcommands)
            script.Append(System.Globalization.CultureInfo.InvariantCulture, $"    {command.Name}) "
                + $"words=\"{string.Join(' ', Words(command))}\" ;;\n");
        script.Append("  esac\n  if [ \"$COMP_CWORD\" = 1 ]; then words=\"");
        script.AppendJoin(' ', root.Subcommands.Select(command => command.Name));
        script.Append("\"; fi\n  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n  [ \"$COMP_CWORD\" = 1 ] || "
            + "COMPREPLY+=($(compgen -f -- \"$word\"))\n}\n");
        script.Append("complete -o filenames -F _aperture aperture\n");
        return script.ToString();
    }

    private static string Fish(Command root)
    {
        var script = new StringBuilder();
        foreach (var command in root.Subcommands)
        {
            script.Append(
                System.Globalization.CultureInfo.InvariantCulture,
                $"complete -c aperture -n __fish_use_subcommand -f -a {command.Name} -d '{FirstLine(command)}'\n");
            foreach (var option in command.Options.Where(option => option.Name.StartsWith("--", StringComparison.Ordinal)))
            {
                script.Append(
                    System.Globalization.CultureInfo.InvariantCulture,
                    $"complete -c aperture -n '__fish_seen_subcommand_from {command.Name}' -l {option.Name[2..]} -d "
                        + $"'{Quoted(option.Description)}'\n");
            }

            if (TakesBoards(command))
            {
                script.Append(
                    System.Globalization.CultureInfo.InvariantCulture,
                    $"complete -c aperture -n '__fish_seen_subcommand_from {command.Name}' -a '{string.Join(' ', BoardFile.Embedded)}'\n");
            }
        }

        return script.ToString();
    }

    private static IEnumerable<string> Words(Command command) =>
        command.Options.Select(option => option.Name).Concat(command.Subcommands.Select(each => each.Name))
            .Concat(TakesBoards(command) ? BoardFile.Embedded : []).Append("--help");

    private static bool TakesBoards(Command command) => command.Arguments.Any(argument => argument.Name == "BOARD.dtb");

    private static string FirstLine(Command command) => Quoted(command.Description?.Split('\n')[0]);

    private static string Quoted(string? text) => (text ?? "").Replace("'", "\\'", StringComparison.Ordinal);
}
