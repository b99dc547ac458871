using System.Diagnostics;
using Aperture.Core;
using Aperture.Core.Threading;

namespace Aperture.Devices;

/// <summary>An interrupt input as drivers see it: a level, or messages. Several handlers may share it. A line that stays active
/// though nobody handles it is switched off and reported, as an operating system does.</summary>
/// <remarks>Thread-safe. Handlers run on the thread that raised the level, one at a time per line, and never while that thread holds a
/// <see cref="GatedLock"/>: then they run when it lets the last one go. A level that is raised, or a message that comes, while handlers
/// run is seen by the round that follows. A handler that throws keeps no other from running; what it threw comes out of the call that
/// raised the level when the round is over.</remarks>
public sealed partial class Interrupt : IGateEvent
{
    /// <summary>How many rounds in a row without any <see cref="InterruptResult.Handled"/> an active line, or one with messages, gets
    /// before it counts as stuck.</summary>
    public const int MaxRounds = 100;

    /// <summary>How many rounds an active line gets at most, whatever its handlers say, before it counts as stuck.</summary>
    public const int MaxHandledRounds = 100_000;

    private readonly Lock _lock = new();            // guards the fields below, never held while a handler runs
    private readonly Lock _service = new();         // held while handlers run, so that removing one can wait for it
    private Func<InterruptResult>[] _handlers = []; // in order of request; replaced whole
    private readonly Func<bool>? _wire;             // tells the level; null where SetLevel does
    private bool _active;                           // the level that SetLevel left
    private bool _message;                          // a message came that no round has taken yet
    private int _unhandled;                         // rounds in a row that nobody handled
    private TaskCompletionSource? _next;            // who waits for the next round that somebody handles
    private bool _stuck;                            // switched off
    private bool _inService;                        // somebody runs the handlers and will see each change of the fields above

    /// <summary>An input.</summary>
    /// <param name="name">For messages, for example <c>gic 5</c>.</param>
    public Interrupt(string name) => Name = name;

    /// <summary>An input that looks at its wire: the level is never older than the look.</summary>
    /// <param name="name">For messages, for example <c>gic 5</c>.</param>
    /// <param name="wire">Whether the wire is active now. Called under a lock; it must take none and call nobody.</param>
    public Interrupt(string name, Func<bool> wire)
        : this(name)
    {
        ArgumentNullException.ThrowIfNull(wire);
        _wire = wire;
    }

    /// <summary>For messages, for example <c>gic 5</c>.</summary>
    public string Name { get; }

    /// <summary>Whether the line is active.</summary>
    public bool IsActive => _wire is null ? Volatile.Read(ref _active) : _wire();

    /// <summary>Whether the line was switched off because nobody handled it.</summary>
    public bool IsStuck => Volatile.Read(ref _stuck);

    /// <summary>How often handlers were called.</summary>
    public ulong Count { get; private set; }

    /// <summary>Called when the line is switched off because nobody handled it.</summary>
    public event Action<Interrupt>? Stuck;

    private bool Wanted => (IsActive || _message) && !_stuck && _handlers.Length > 0;

    /// <summary>Adds a handler; dispose the result to remove it, after which it does not run any more. Adding a handler gives a
    /// stuck line another chance.</summary>
    public IDisposable Request(Func<InterruptResult> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        lock (_lock)
        {
            _handlers = [.. _handlers, handler];
            _stuck = false;
            _unhandled = 0;
        }

        try
        {
            TellUse();
        }
        catch
        {
            Remove(handler);
            throw;
        }

        EventGate.Post(this);
        return new Registration(this, handler);
    }

    /// <summary>Drives the line; called by whoever wired it, unless the input looks at its wire.</summary>
    /// <exception cref="InvalidOperationException">The input looks at its wire.</exception>
    public void SetLevel(bool active)
    {
        if (_wire is not null)
            throw new InvalidOperationException($"interrupt {Name} looks at its wire and cannot be driven");
        Volatile.Write(ref _active, active);
        Look();
    }

    /// <summary>The level may have changed: handlers run for as long as it is active.</summary>
    public void Look()
    {
        lock (_lock)
        {
            if (!IsActive)
                _unhandled = 0;
        }

        EventGate.Post(this);
    }

    /// <summary>A message came: the handlers run once, or once more while they run already. Called by whoever wired it.</summary>
    public void Raise()
    {
        lock (_lock)
            _message = true;
        EventGate.Post(this);
    }

    /// <inheritdoc/>
    void IGateEvent.Deliver() => Service();

    /// <summary>Completes when a handler has handled the interrupt the next time. Ask for it before starting what ends with the
    /// interrupt.</summary>
    public Task NextAsync()
    {
        lock (_lock)
            return (_next ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
    }

    /// <summary>Calls every handler once, whatever the level: for a line that may have been missed.</summary>
    /// <returns>Whether one of them handled it; <see cref="InterruptResult.None"/> too while handlers run already.</returns>
    public InterruptResult Poll()
    {
        Debug.Assert(EventGate.IsOpen, "handlers are polled under a lock");
        Func<InterruptResult>[] handlers;
        lock (_lock)
        {
            if (_inService)
                return InterruptResult.None;
            _inService = true;
            handlers = _handlers;
        }

        var errors = default(ThrownErrors);
        bool isHandled;
        lock (_service)
        {
            _server = Thread.CurrentThread;
            isHandled = Run(handlers, ref errors);
            _server = null;
        }

        lock (_lock)
            _inService = false;
        if (isHandled)
            Announce();
        errors.Throw();
        Service();
        return isHandled ? InterruptResult.Handled : InterruptResult.None;
    }

    private void Service()
    {
        lock (_lock)
        {
            if (_inService || !Wanted)
                return;
            _inService = true;
        }

        bool stuck;
        var errors = default(ThrownErrors);
        lock (_service)
        {
            _server = Thread.CurrentThread;
            stuck = RunWhileActive(ref errors);
            _server = null;
        }

        if (stuck)
            Listeners.Tell(Stuck, this, ref errors);
        errors.Throw();
    }

    /// <summary>Rounds of the handlers, up to one in which one of them throws: whoever looks at the line next begins anew.</summary>
    private bool RunWhileActive(ref ThrownErrors errors)
    {
        for (var round = 1; Continue(out var handlers); round++)
        {
            var isStuck = EndRound(Run(handlers, ref errors), round);
            if (errors.Any)
            {
                lock (_lock)
                    _inService = false;
            }

            if (isStuck || errors.Any)
                return isStuck;
        }

        return false;
    }

    private static bool Run(Func<InterruptResult>[] handlers, ref ThrownErrors errors)
    {
        var handled = false;
        foreach (var handler in handlers)
        {
            try
            {
                handled |= handler() == InterruptResult.Handled;
            }
            catch (Exception error)
            {
                errors.Add(error);
            }
        }

        return handled;
    }

    /// <summary>What to call in the next round. Staying in service is decided under the lock: no level gets lost.</summary>
    private bool Continue(out Func<InterruptResult>[] handlers)
    {
        lock (_lock)
        {
            handlers = _handlers;
            _inService = Wanted;
            if (_inService)
            {
                Count++;
                _message = false;
            }

            AssertInvariants();
            return _inService;
        }
    }

    /// <summary>Counts a round.</summary>
    /// <returns>Whether the line was switched off.</returns>
    private bool EndRound(bool handled, int round)
    {
        bool isStuck;
        lock (_lock)
        {
            _unhandled = handled ? 0 : _unhandled + 1;
            isStuck = _unhandled >= MaxRounds || (IsActive && round >= MaxHandledRounds);
            _stuck |= isStuck;
            _inService &= !isStuck;
            AssertInvariants();
        }

        if (handled)
            Announce();
        return isStuck;
    }

    /// <summary>Asserts what holds whenever nobody is in the middle of a change, in Debug. Call it under the lock.</summary>
    [Conditional("DEBUG")]
    private void AssertInvariants()
    {
        Debug.Assert(_lock.IsHeldByCurrentThread, "an interrupt is looked at under its lock");
        Debug.Assert(_unhandled is >= 0 and <= MaxRounds, "a line that nobody handles is switched off");
        Debug.Assert(!_inService || !_stuck, "a line that is switched off is not served");
        Debug.Assert(!_inService || _service.IsHeldByCurrentThread, "who serves a line holds its service");
    }

    /// <summary>Tells who waits that the interrupt was handled.</summary>
    private void Announce()
    {
        TaskCompletionSource? next;
        lock (_lock)
            (next, _next) = (_next, null);
        next?.SetResult();
    }

    private void Remove(Func<InterruptResult> handler)
    {
        lock (_lock)
        {
            var index = Array.LastIndexOf(_handlers, handler);
            if (index >= 0)
                _handlers = [.. _handlers[..index], .. _handlers[(index + 1)..]];
        }

        TellUse();

        // Another thread may be in the handler; this one may be too, then there is nothing to wait for.
        lock (_service)
        {
        }
    }

    private sealed class Registration(Interrupt line, Func<InterruptResult> handler) : IDisposable
    {
        private Func<InterruptResult>? _handler = handler; // null once removed

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _handler, null) is { } mine)
                line.Remove(mine);
        }
    }
}
