using System.Runtime.CompilerServices;

namespace Aperture.Core.Threading;

/// <summary>Keeps interrupts and timers away from code that holds locks, as a kernel's disabled interrupts do: what a thread causes while it holds a
/// <see cref="GatedLock"/> happens on the same thread as soon as it has let the outermost one go, in the order in which it was caused.</summary>
public static class EventGate
{
    /// <summary>Whether the calling thread holds no gated lock.</summary>
    public static bool IsOpen => ThreadRecord.Current.Held == 0;

    /// <summary>Lets an event happen: now if the calling thread holds no gated lock, else when it has let the last one go.</summary>
    /// <remarks>An event that is posted again before it happened happens twice; who does not want that keeps count.</remarks>
    public static void Post(IGateEvent gateEvent)
    {
        ArgumentNullException.ThrowIfNull(gateEvent);
        var thread = ThreadRecord.Current;
        if (thread.Held == 0)
            gateEvent.Deliver();
        else
            thread.Keep(gateEvent);
    }

    /// <summary>Delivers what was kept. An exception of an event passes through; what was kept behind it stays kept for the next time.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static void Deliver(ThreadRecord thread)
    {
        while (thread.Held == 0 && thread.TryTake(out var gateEvent))
            gateEvent.Deliver();
    }
}
