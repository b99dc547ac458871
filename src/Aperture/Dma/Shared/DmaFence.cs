namespace Aperture.Dma.Shared;

/// <summary>Something that will be over once: somebody's use of a shared buffer.</summary>
public sealed class DmaFence
{
    private readonly Lock _lock = new();
    private Action? _waiting; // what to call when it is over; null when it is

    /// <summary>Whether it is over.</summary>
    public bool IsSignalled { get; private set; }

    /// <summary>Calls back when it is over: at once when it is already, else on the thread that ends it.</summary>
    public void OnSignalled(Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        lock (_lock)
        {
            if (!IsSignalled)
            {
                _waiting += callback;
                return;
            }
        }

        callback();
    }

    internal void Signal()
    {
        Action? waiting;
        lock (_lock)
        {
            IsSignalled = true;
            waiting = _waiting;
            _waiting = null;
        }

        waiting?.Invoke();
    }
}
