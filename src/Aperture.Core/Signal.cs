namespace Aperture.Core;

/// <summary>A level that its owner sets and others look at whenever they need to know: whether a clock runs, for instance.</summary>
/// <remarks>Thread-safe.</remarks>
public abstract class Signal
{
    private bool _isOn;

    /// <summary>Whether the level is active.</summary>
    public bool IsOn
    {
        get => Volatile.Read(ref _isOn);
        protected set => Volatile.Write(ref _isOn, value);
    }
}
