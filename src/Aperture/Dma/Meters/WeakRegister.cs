using System.Diagnostics.Metrics;
using System.Globalization;

namespace Aperture.Dma.Meters;

/// <summary>Objects that figures are read from as long as somebody else holds them.</summary>
internal sealed class WeakRegister<T>
    where T : class
{
    private readonly Lock _lock = new(); // guards everything here
    private readonly List<(WeakReference<T> Object, string Name)> _entries = [];
    private int _added; // so many ever

    /// <summary>Adds an object under a name of its own.</summary>
    /// <returns>The name given, and a number.</returns>
    public string Add(T item, string name)
    {
        lock (_lock)
        {
            _entries.RemoveAll(entry => !entry.Object.TryGetTarget(out _));
            var full = string.Create(CultureInfo.InvariantCulture, $"{name} {++_added}");
            _entries.Add((new WeakReference<T>(item), full));
            return full;
        }
    }

    /// <summary>Measures each object that lives.</summary>
    public List<Measurement<TValue>> Measure<TValue>(string tag, Func<T, TValue> read)
        where TValue : struct
    {
        var measurements = new List<Measurement<TValue>>();
        lock (_lock)
        {
            foreach (var (reference, name) in _entries)
            {
                if (reference.TryGetTarget(out var item))
                    measurements.Add(new Measurement<TValue>(read(item), new KeyValuePair<string, object?>(tag, name)));
            }
        }

        return measurements;
    }
}
