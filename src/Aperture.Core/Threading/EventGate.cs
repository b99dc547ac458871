using System.Runtime.CompilerServices;

namespace Aperture.Core.Threading;

/// <summary>Keeps interrupts and timers away from code that holds locks, as a kernel's disabled interrupts do: what a thread causes while
/// it holds a
/// <see cref="GatedLock"/> happens on the same thread as soon as it has let the outermost one go, in the order in which it was
/// caused.</summary>
public static class EventGate
{
    /// <summary>Whether the calling thread holds no gated lock.</summary>
    public static bool IsOpen => !ThreadRecord.Current.IsClosed;

    /// <summary>Whether a thread, be it another, holds gated locks or keeps its gate closed otherwise: it is in the middle of something
    /// short that it will end.</summary>
    public static bool IsClosedOn(ThreadRecord thread)
    {
        ArgumentNullException.ThrowIfNull(thread);
        return thread.IsClosed;
    }

    /// <summary>Lets an event happen: now if the calling thread holds no gated lock, else when it has let the last one go.</summary>
    /// <remarks>An event that is posted again before it happened happens twice; who does not want that keeps count.</remarks>
    public static void Post(IGateEvent gateEvent)
    {
        ArgumentNullException.ThrowIfNull(gateEvent);
        var thread = ThreadRecord.Current;
        if (thread.IsClosed)
            thread.Keep(gateEvent);
        else
            gateEvent.Deliver();
    }

    /// <summary>Keeps the gate of the calling thread closed until the result is disposed, as a gated lock does: for a sequence that lets
    /// locks go in its middle and in which no event may happen.</summary>
    /// <param name="thread">The calling thread's record.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scope Close(ThreadRecord thread)
    {
        ArgumentNullException.ThrowIfNull(thread);
        return new Scope(thread.TryClose() ? thread : null);
    }

    /// <summary>Closes the gate of the calling thread, unless it is closed.</summary>
    /// <param name="thread">The calling thread's record.</param>
    /// <returns>Whether it was open: then the caller opens it again (<see cref="Open"/>).</returns>
    public static bool TryClose(ThreadRecord thread)
    {
        ArgumentNullException.ThrowIfNull(thread);
        return thread.TryClose();
    }

    /// <summary>Opens the gate of the calling thread, and lets happen what was kept.</summary>
    /// <param name="thread">The calling thread's record.</param>
    public static void Open(ThreadRecord thread)
    {
        ArgumentNullException.ThrowIfNull(thread);
        thread.Open();
    }

    /// <summary>Delivers what was kept, whatever one of the events throws; that comes out when all were delivered.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static void Deliver(ThreadRecord thread)
    {
        var errors = default(ThrownErrors);
        while (!thread.IsClosed && thread.TryTake(out var gateEvent))
        {
            try
            {
                gateEvent.Deliver();
            }
            catch (Exception error)
            {
                errors.Add(error);
            }
        }

        errors.Throw();
    }

    /// <summary>As long as it lives, the gate of its thread is closed.</summary>
    public readonly ref struct Scope
    {
        private readonly ThreadRecord? _thread; // null where the gate was closed already

        internal Scope(ThreadRecord? thread) => _thread = thread;

        /// <summary>Opens the gate if it was this that closed it, and lets happen what was kept.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Dispose() => _thread?.Open();
    }
}
