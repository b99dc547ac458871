namespace Aperture.Hardware.Bus;

/// <summary>A level-triggered interrupt wire from a block to whoever listens.</summary>
public sealed class InterruptLine
{
    /// <summary>Whether the block drives the line active.</summary>
    public bool IsAsserted { get; private set; }

    /// <summary>Called on each change of level, on the thread that caused it, with the new level. A board sets it once.</summary>
    public Action<bool>? Changed { get; set; }

    /// <summary>Drives the line.</summary>
    public void Set(bool asserted)
    {
        if (IsAsserted == asserted)
            return;
        IsAsserted = asserted;
        Changed?.Invoke(asserted);
    }
}
