using Aperture.Core.Threading;

namespace Aperture.Hardware.Bus;

/// <summary>A level-triggered interrupt wire from a block to whoever listens. The level holds at once; whoever listens is told when the
/// thread that drove it holds no <see cref="GatedLock"/>, so that a handler can use the block whose lock was held.</summary>
/// <remarks>Thread-safe. A level that is gone before anybody was told is not told.</remarks>
public sealed class InterruptLine : IGateEvent
{
    private int _level;             // 1 while the block drives the line active
    private int _told;              // the level that the listener was told last
    private ThreadRecord? _waiting; // a thread in whose gate the line waits

    /// <summary>A line.</summary>
    /// <param name="name">What the block's manual or binding calls it; empty for the only one of a block.</param>
    public InterruptLine(string name = "")
    {
        ArgumentNullException.ThrowIfNull(name);
        Name = name;
    }

    /// <summary>What the block's manual or binding calls it; empty for the only one of a block.</summary>
    public string Name { get; }

    /// <summary>Whether the block drives the line active.</summary>
    public bool IsAsserted => Volatile.Read(ref _level) != 0;

    /// <summary>Called after each change of level, on the thread that caused it, with the new level, while that thread holds no gated
    /// lock. A board sets it once. With several threads it is a hint: who needs the level as it is now looks at
    /// <see cref="IsAsserted"/>.</summary>
    public Action<bool>? Changed { get; set; }

    /// <summary>Runs the handlers behind the line if it is active and nobody does so yet, and waits for a thread that is running them: for
    /// an access that is stalled until they have. A board sets it beside <see cref="Changed"/>; null where nobody can wait. Called while
    /// the thread holds no gated lock.</summary>
    /// <returns>Whether handlers ran meanwhile, here or elsewhere; false where none do, or their thread waits itself.</returns>
    public Func<bool>? Attend { get; set; }

    /// <summary>Called with each change, before anybody is told: a block whose lock leaves the gate open closes it.</summary>
    internal Action? BeforeChange { get; set; }

    /// <summary>Drives the line.</summary>
    public void Set(bool asserted)
    {
        var level = asserted ? 1 : 0;
        if (Volatile.Read(ref _level) == level || Interlocked.Exchange(ref _level, level) == level)
            return;
        BeforeChange?.Invoke();
        if (EventGate.IsOpen)
        {
            Tell();
            return;
        }

        // Once is enough for each thread: when its gate opens, the level of that moment counts.
        var thread = ThreadRecord.Current;
        if (Interlocked.Exchange(ref _waiting, thread) != thread)
            EventGate.Post(this);
    }

    /// <inheritdoc/>
    void IGateEvent.Deliver()
    {
        Interlocked.CompareExchange(ref _waiting, null, ThreadRecord.Current);
        Tell();
    }

    private void Tell()
    {
        // The level may change again while the listener is told, on this thread or another: the last to look leaves the level that holds.
        for (var level = Volatile.Read(ref _level); Interlocked.Exchange(ref _told, level) != level; level = Volatile.Read(ref _level))
            Changed?.Invoke(level != 0);
    }
}
