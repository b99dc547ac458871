using System.Runtime.InteropServices;

namespace Aperture.Tool;

/// <summary>What is put right before a signal (Ctrl-C, SIGTERM) ends the tool: a hidden cursor, half a line in a file.</summary>
internal sealed class Ending : IDisposable
{
    private const int SignalExit = 128; // what shells add to a signal's number

    private static readonly Lock s_lock = new();
    private static readonly List<Action> s_actions = [];
    private static PosixSignalRegistration[]? s_signals; // made once, kept for the life of the process

    private readonly Action _action;

    private Ending(Action action) => _action = action;

    /// <summary>Does something before a signal ends the tool, until disposed. What was asked for last comes first.</summary>
    public static Ending Before(Action action)
    {
        lock (s_lock)
        {
            s_signals ??=
            [
                PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
                PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
            ];
            s_actions.Add(action);
        }

        return new Ending(action);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (s_lock)
            s_actions.Remove(_action);
    }

    private static void Handle(PosixSignalContext context)
    {
        context.Cancel = true;
        lock (s_lock)
        {
            for (var i = s_actions.Count - 1; i >= 0; i--)
                s_actions[i]();
        }

        Environment.Exit(SignalExit + (context.Signal == PosixSignal.SIGINT ? 2 : 15));
    }
}
