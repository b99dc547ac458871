using System.Diagnostics;
using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Core.Threading;

namespace Aperture.Power;

/// <summary>What a gate switches.</summary>
public enum GateKind
{
    /// <summary>A clock: on while somebody has it enabled.</summary>
    Clock,

    /// <summary>A reset line: "on" means released; asserted while nobody holds it released.</summary>
    Reset,

    /// <summary>A power domain: on while somebody uses it.</summary>
    PowerDomain,
}

/// <summary>A named, counted switch of the board: a clock, a reset line or a power domain. It is on while its count is above
/// zero. A gate may feed another one, which then holds it on. <see cref="Signal.IsOn"/>: clock running, reset released, power
/// present.</summary>
/// <remarks>Thread-safe. <see cref="Changed"/> runs under the gate's lock, on the thread that changed the count: a board's wiring sees
/// each switch once and in order, and must not hold or let go the gate that it hears of. Holding a gate that is on, and letting one go that
/// others hold, takes no lock; nothing here takes an interlocked step while the same thread does nearly all of it.</remarks>
public sealed class Gate : Signal
{
    private readonly BiasedLock _lock = new();
    private readonly Gate? _parent; // held on while this gate is on
    private readonly BiasedWords _words = new(); // changes _count
    private ulong _count;           // how many users hold the gate on; to and from zero only under the lock

    /// <summary>A gate that is off.</summary>
    /// <param name="kind">What it switches.</param>
    /// <param name="name">The provider's name and the specifier, for example <c>10030000.clock-controller 274</c>.</param>
    /// <param name="parent">The gate that feeds this one.</param>
    public Gate(GateKind kind, string name, Gate? parent = null)
    {
        Kind = kind;
        Name = name;
        _parent = parent;
    }

    /// <summary>What the gate switches.</summary>
    public GateKind Kind { get; }

    /// <summary>The provider's name and the specifier.</summary>
    public string Name { get; }

    /// <summary>How many users hold the gate on.</summary>
    public int UseCount => (int)Volatile.Read(ref _count);

    /// <summary>Called with the new state when the gate is switched.</summary>
    public event Action<bool>? Changed;

    /// <summary>Holds the gate on. When something fails on the way, the gate that feeds it or whoever listens, it is left as it
    /// was.</summary>
    public void Enable()
    {
        if (!TryCount(1, above: 0))
            EnableFirst();
    }

    // A method of its own, as that below: nearly all calls need no frame for it.
    private void EnableFirst()
    {
        using (_lock.Hold())
        {
            if (TryCount(1, above: 0))
                return;
            _parent?.Enable();
            IsOn = true;
            var errors = default(ThrownErrors);
            Listeners.Tell(Changed, true, ref errors);
            if (errors.Any)
            {
                SwitchOff(ref errors); // those who heard it hear that it is not so
                errors.Throw();
            }

            Volatile.Write(ref _count, 1); // last: whoever finds it counts on a gate that is on. Nobody else changes a zero
            AssertInvariants();
        }
    }

    /// <summary>Lets the gate go; the last one to do so switches it off.</summary>
    /// <exception cref="ApertureException">Nobody holds the gate on.</exception>
    public void Disable()
    {
        if (!TryCount(-1, above: 1))
            DisableLast();
    }

    private void DisableLast()
    {
        using (_lock.Hold())
        {
            if (!TryCount(-1, above: 0))
                throw new ApertureException(Status.InvalidArgument, $"{Kind} {Name} was let go more often than it was held");
            if (_count > 0)
                return; // somebody came meanwhile

            var errors = default(ThrownErrors);
            SwitchOff(ref errors);
            AssertInvariants();
            errors.Throw();
        }
    }

    /// <summary>Asserts what holds whenever nobody switches, in Debug. Call it under the lock.</summary>
    [Conditional("DEBUG")]
    private void AssertInvariants()
    {
        Debug.Assert(_lock.IsHeld, "a gate is looked at under its lock");
        Debug.Assert(IsOn == (Volatile.Read(ref _count) > 0), "a gate is on while somebody holds it");
        Debug.Assert(!IsOn || _parent is not { IsOn: false }, "a gate that is on is fed");
    }

    private void SwitchOff(ref ThrownErrors errors)
    {
        IsOn = false;
        Listeners.Tell(Changed, false, ref errors);
        try
        {
            _parent?.Disable();
        }
        catch (Exception error)
        {
            errors.Add(error);
        }
    }

    /// <summary>Adds to the count if it is above a number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryCount(int by, ulong above)
    {
        ulong count;
        do
        {
            count = Volatile.Read(ref _count);
            if (count <= above)
                return false;
        }
        while (!_words.TryStep(ref _count, count, count + (ulong)by));

        return true;
    }
}
