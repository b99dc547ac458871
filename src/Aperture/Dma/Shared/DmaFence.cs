using Aperture.Core;

namespace Aperture.Dma.Shared;

/// <summary>Something that will be over once: somebody's use of a shared buffer.</summary>
public sealed class DmaFence
{
    private readonly Lock _lock = new();
    private Action<DmaFence>? _waiting; // whom to tell when it is over; null when it is

    /// <summary>Whether it is over.</summary>
    public bool IsSignalled { get; private set; }

    /// <summary>Calls back when it is over: at once when it is already, else on the thread that ends it. What is thrown comes out there,
    /// when all who wait were called.</summary>
    public void OnSignalled(Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        lock (_lock)
        {
            if (!IsSignalled)
            {
                _waiting += _ => callback();
                return;
            }
        }

        callback();
    }

    internal void Signal(ref ThrownErrors errors)
    {
        Action<DmaFence>? waiting;
        lock (_lock)
        {
            IsSignalled = true;
            (waiting, _waiting) = (_waiting, null);
        }

        Listeners.Tell(waiting, this, ref errors);
    }
}
