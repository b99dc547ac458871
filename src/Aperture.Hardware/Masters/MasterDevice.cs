using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Masters;

/// <summary>A DMA master as silicon: a register block on the CPU's side, ports to memory on the other.</summary>
/// <remarks>Not thread-safe: register accesses and whatever else drives the master come from one thread at a time. An
/// interrupt handler may access registers while the master is at work on the same thread. A master that has no power or
/// clock, or is in reset, answers no register access and does no DMA.</remarks>
public abstract class MasterDevice : IMmioDevice
{
    /// <inheritdoc/>
    public abstract uint Size { get; }

    /// <summary>The interrupt line.</summary>
    public InterruptLine Interrupt { get; } = new();

    /// <summary>Whether the master has power. Registers are lost while it has not.</summary>
    public bool IsPowered { get; private set; } = true;

    /// <summary>Whether the master's clocks run. State is kept while they do not.</summary>
    public bool IsClocked { get; set; } = true;

    /// <summary>Whether the master's reset is asserted. Releasing it leaves reset values behind.</summary>
    public bool IsInReset { get; private set; }

    /// <summary>Whether the master answers at all.</summary>
    public bool Answers => IsPowered && IsClocked && !IsInReset;

    /// <summary>Gives or takes power. A change in either direction leaves reset values behind.</summary>
    public void SetPower(bool on)
    {
        if (IsPowered == on)
            return;
        IsPowered = on;
        Reset();
    }

    /// <summary>Asserts or releases the reset input. Asserting it resets the registers.</summary>
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

    /// <summary>Sets every register to its reset value, ends whatever goes on and drops the interrupt line.</summary>
    protected abstract void Reset();
}
