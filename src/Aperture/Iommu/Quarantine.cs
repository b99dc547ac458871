using Aperture.Core;

namespace Aperture.Iommu;

/// <summary>What was removed from a domain while some units could not be told: device addresses, tables and memory that must not be used
/// for anything else before each of these units was programmed afresh.</summary>
/// <param name="bytes">Bytes of device addresses.</param>
/// <param name="units">Number of units that are waited for.</param>
internal sealed class Quarantine(ulong bytes, int units)
{
    private readonly Lock _lock = new();         // guards everything here
    private readonly List<Action> _releases = []; // in order
    private int _units = units;

    /// <summary>Bytes of device addresses.</summary>
    public ulong Bytes => bytes;

    /// <summary>Lets something be given back when the quarantine ends; at once when it is over.</summary>
    public void Add(Action release)
    {
        lock (_lock)
        {
            if (_units > 0)
            {
                _releases.Add(release);
                return;
            }
        }

        release();
    }

    /// <summary>One of the units was programmed afresh. With the last one everything is given back, whatever one of those who waited
    /// throws; that comes out at the end.</summary>
    public void UnitDone()
    {
        lock (_lock)
        {
            if (--_units > 0)
                return;
        }

        RunAll(_releases, static release => release());
    }

    /// <summary>Does something with each, whatever it throws for another one; that comes out at the end.</summary>
    internal static void RunAll<T>(IReadOnlyList<T> list, Action<T> action)
    {
        var errors = default(ThrownErrors);
        RunAll(list, action, ref errors);
        errors.Throw();
    }

    /// <summary>The same where the caller has something left to do, too.</summary>
    internal static void RunAll<T>(IReadOnlyList<T> list, Action<T> action, ref ThrownErrors errors)
    {
        foreach (var item in list)
        {
            try
            {
                action(item);
            }
            catch (Exception error)
            {
                errors.Add(error);
            }
        }
    }
}
