using System.Runtime.CompilerServices;
using Aperture.Core;

namespace Aperture.Hardware.Bus;

/// <summary>A register block with interrupt lines, power, clock and reset: what units and masters have in common. While it
/// has no power or clock, or is in reset, it answers no register access. A block that sends messages instead has a
/// <see cref="Translation.MsiSource"/> for each.</summary>
public abstract class BusDevice : IMmioDevice
{
    private Signal[] _clocks = []; // all have to run
    private bool _isClocked = true;
    private bool _isReady = true;  // has power, is not in reset, and no clock was taken but by those

    /// <summary>A block.</summary>
    /// <param name="interrupts">What its manual or binding calls its interrupt lines, in the order of the binding; without any it has one
    /// line that needs no name.</param>
    /// <exception cref="ApertureException">Two lines have the same name.</exception>
    protected BusDevice(params ReadOnlySpan<string> interrupts)
    {
        var lines = new InterruptLine[Math.Max(interrupts.Length, 1)];
        lines[0] = new InterruptLine();
        for (var i = 0; i < interrupts.Length; i++)
        {
            if (interrupts[..i].Contains(interrupts[i]))
                throw new ApertureException(Status.InvalidArgument, $"a block cannot have two interrupt lines '{interrupts[i]}'");
            lines[i] = new InterruptLine(interrupts[i]);
        }

        Interrupts = lines;
        Interrupt = lines[0];
    }

    /// <inheritdoc/>
    public abstract uint Size { get; }

    /// <summary>The interrupt lines, in the order of the block's binding; at least one.</summary>
    public IReadOnlyList<InterruptLine> Interrupts { get; }

    /// <summary>The first interrupt line: of most blocks the only one.</summary>
    public InterruptLine Interrupt { get; }

    /// <summary>Whether the block has power. Registers and caches are lost while it has not.</summary>
    public bool IsPowered
    {
        get;
        private set
        {
            field = value;
            UpdateReady();
        }
    } = true;

    /// <summary>Whether the block's clocks run: all of <see cref="ClockFrom"/>, unless it was set to false. State is kept while they do
    /// not.</summary>
    public bool IsClocked
    {
        get
        {
            return _isClocked && ClocksRun;
        }

        set
        {
            _isClocked = value;
            UpdateReady();
        }
    }

    /// <summary>Whether the block's reset is asserted. Releasing it leaves reset values behind.</summary>
    public bool IsInReset
    {
        get;
        private set
        {
            field = value;
            UpdateReady();
        }
    }

    /// <summary>Whether the block answers at all.</summary>
    public bool Answers
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _isReady && ClocksRun;
    }

    /// <summary>Whether the block answers and has no clock to look at: quicker than <see cref="Answers"/> where that is so.</summary>
    private protected bool AnswersUnclocked => _isReady && _clocks.Length == 0;

    private bool ClocksRun
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            foreach (var clock in _clocks)
            {
                if (!clock.IsOn)
                    return false;
            }

            return true;
        }
    }

    /// <summary>Connects the clocks that the block needs, instead of those that it had. It looks at them at each access: whoever starts
    /// the last of several finds the block clocked, whatever other threads do to clocks meanwhile.</summary>
    public void ClockFrom(params ReadOnlySpan<Signal> clocks) => _clocks = clocks.ToArray();

    /// <summary>Gives or takes power. A change in either direction leaves reset values behind.</summary>
    public void SetPower(bool on)
    {
        if (IsPowered == on)
            return;
        IsPowered = on;
        Reset();
    }

    /// <summary>Asserts or releases the reset input. Asserting it resets registers and caches.</summary>
    public void SetReset(bool asserted)
    {
        if (IsInReset == asserted)
            return;
        IsInReset = asserted;
        if (asserted)
            Reset();
    }

    /// <inheritdoc/>
    public abstract bool TryRead(uint offset, int width, out ulong value);

    /// <inheritdoc/>
    public abstract bool TryWrite(uint offset, int width, ulong value);

    /// <summary>Sets every register to its reset value, empties caches, ends whatever goes on and drops the interrupt line.</summary>
    protected abstract void Reset();

    private void UpdateReady() => _isReady = IsPowered && !IsInReset && _isClocked;
}
