namespace Aperture.Devices;

/// <summary>What a handler says of an interrupt.</summary>
public enum InterruptResult
{
    /// <summary>It was not this device's, or the handler could do nothing about it.</summary>
    None,

    /// <summary>Handled.</summary>
    Handled,
}

/// <summary>A level-triggered interrupt input as drivers see it. Several handlers may share it. A line that stays active
/// though nobody handles it is switched off and reported, as an operating system does.</summary>
/// <remarks>Handlers run on the thread that raised the level, one at a time per line.</remarks>
public sealed class Interrupt
{
    /// <summary>How many rounds of handlers an active line gets before it counts as stuck.</summary>
    public const int MaxRounds = 100;

    private readonly List<Func<InterruptResult>> _handlers = []; // in order of request
    private bool _inService; // handlers are running; a new level is seen by the loop that runs them

    /// <summary>An input.</summary>
    /// <param name="name">For messages, for example <c>gic 5</c>.</param>
    public Interrupt(string name) => Name = name;

    /// <summary>For messages, for example <c>gic 5</c>.</summary>
    public string Name { get; }

    /// <summary>Whether the line is active.</summary>
    public bool IsActive { get; private set; }

    /// <summary>Whether the line was switched off because nobody handled it.</summary>
    public bool IsStuck { get; private set; }

    /// <summary>How often handlers were called.</summary>
    public ulong Count { get; private set; }

    /// <summary>Called when the line is switched off because nobody handled it.</summary>
    public event Action<Interrupt>? Stuck;

    /// <summary>Adds a handler; dispose the result to remove it. Adding a handler gives a stuck line another chance.</summary>
    public IDisposable Request(Func<InterruptResult> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        _handlers.Add(handler);
        IsStuck = false;
        Service();
        return new Registration(this, handler);
    }

    /// <summary>Drives the line; called by whoever wired it.</summary>
    public void SetLevel(bool active)
    {
        IsActive = active;
        Service();
    }

    private void Service()
    {
        if (_inService)
            return;
        _inService = true;
        try
        {
            for (var round = 0; IsActive && !IsStuck && _handlers.Count > 0; round++)
            {
                if (round == MaxRounds)
                {
                    IsStuck = true;
                    Stuck?.Invoke(this);
                    return;
                }

                Count++;
                for (var i = 0; i < _handlers.Count; i++)
                    _handlers[i]();
            }
        }
        finally
        {
            _inService = false;
        }
    }

    private sealed class Registration(Interrupt line, Func<InterruptResult> handler) : IDisposable
    {
        public void Dispose() => line._handlers.Remove(handler);
    }
}
