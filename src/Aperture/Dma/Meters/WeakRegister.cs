using System.Diagnostics.Metrics;
using System.Globalization;

namespace Aperture.Dma.Meters;

/// <summary>Objects that figures are read from as long as they are in use and somebody else holds them.</summary>
/// <param name="isInUse">Whether an object still is what it was added for.</param>
internal sealed class WeakRegister<T>(Func<T, bool> isInUse)
    where T : class
{
    private readonly Lock _lock = new(); // guards everything here
    private readonly List<(WeakReference<T> Object, string Name)> _entries = [];

    /// <summary>Adds an object under a name that no other one has now: the name given, with the lowest free number from 2 on where it is
    /// taken. Names come back when their objects go, so that there are never more than there were objects at one time.</summary>
    /// <returns>Its name.</returns>
    public string Add(T item, string name)
    {
        lock (_lock)
        {
            Prune();
            _entries.RemoveAll(entry => entry.Object.TryGetTarget(out var other) && other == item); // it was in use before
            var full = name;
            for (var number = 2; _entries.Exists(entry => entry.Name == full); number++)
                full = string.Create(CultureInfo.InvariantCulture, $"{name} {number}");
            _entries.Add((new WeakReference<T>(item), full));
            return full;
        }
    }

    /// <summary>Measures each object that is in use.</summary>
    public List<Measurement<TValue>> Measure<TValue>(string tag, Func<T, TValue> read)
        where TValue : struct
    {
        var measurements = new List<Measurement<TValue>>();
        lock (_lock)
        {
            Prune();
            foreach (var (reference, name) in _entries)
            {
                if (reference.TryGetTarget(out var item))
                    measurements.Add(new Measurement<TValue>(read(item), new KeyValuePair<string, object?>(tag, name)));
            }
        }

        return measurements;
    }

    private void Prune() => _entries.RemoveAll(entry => !(entry.Object.TryGetTarget(out var item) && isInUse(item)));
}
