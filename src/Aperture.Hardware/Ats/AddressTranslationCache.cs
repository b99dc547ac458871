using Aperture.Core;
using Aperture.Core.Threading;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Ats;

/// <summary>The translations that a device was given (the address translation cache of PCI Express): kept until the unit says that they are
/// to go, whatever its tables say meanwhile.</summary>
/// <remarks>Any number of threads. Who uses a translation looks it up, and asks for it, inside of <see cref="Use"/>.</remarks>
/// <param name="entries">How many translations there are at most, at least 1; the oldest goes for a new one.</param>
/// <param name="keepsProcesses">Whether an invalidation without a process spares translations with one. PCI Express has them go; an
/// implementation may have understood it otherwise.</param>
public sealed class AddressTranslationCache(int entries, bool keepsProcesses = false)
{
    private readonly Lock _lock = new();
    private readonly Entry[] _entries = new Entry[entries];
    private readonly AccessEpoch _uses = new();
    private int _next;
    private long _invalidations;

    /// <summary>Invalidations so far.</summary>
    public long Invalidations => Volatile.Read(ref _invalidations);

    /// <summary>Translations that are kept now.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _entries.Count(entry => entry.IsValid);
        }
    }

    /// <summary>Begins the use of translations: an invalidation that comes meanwhile is over only when the result was disposed. Interrupts
    /// wait until then.</summary>
    public Using Use()
    {
        var thread = ThreadRecord.Current;
        return new Using(thread, EventGate.TryClose(thread), _uses.Enter(thread));
    }

    /// <summary>Returns when all uses that began before on other threads have ended.</summary>
    public void EndUses() => _uses.WaitForReaders();

    /// <summary>Finds a translation.</summary>
    /// <param name="pasid">The process; null for none.</param>
    /// <param name="address">The address.</param>
    /// <param name="access">The access that it has to allow.</param>
    /// <param name="target">Where the address leads, and for how many bytes.</param>
    public bool TryFind(Pasid? pasid, Iova address, DmaAccess access, out TranslationResult target)
    {
        target = default;
        var right = access == DmaAccess.Write ? Protection.Write : Protection.Read;
        lock (_lock)
        {
            foreach (ref readonly var entry in _entries.AsSpan())
            {
                if (!entry.IsValid || entry.Pasid != pasid || address < entry.First || address > entry.Last
                    || (entry.Protection & right) == 0)
                    continue;
                target = new TranslationResult(TranslationStatus.Ok, entry.Target + (address.Value - entry.First.Value),
                    entry.Last.Value - address.Value + 1, entry.Protection);
                return true;
            }
        }

        return false;
    }

    /// <summary>Keeps a translation, unless something was invalidated since it was asked for.</summary>
    /// <param name="invalidations"><see cref="Invalidations"/> before it was asked for.</param>
    /// <param name="pasid">The process; null for none.</param>
    /// <param name="first">The first address.</param>
    /// <param name="target">Where it leads, for how many bytes, and what may be done there.</param>
    public void Fill(long invalidations, Pasid? pasid, Iova first, in TranslationResult target)
    {
        lock (_lock)
        {
            if (invalidations != _invalidations)
                return;
            _entries[_next] = new Entry(pasid, first, first + (target.Length - 1), target.Address, target.Protection, true);
            _next = (_next + 1) % _entries.Length;
        }
    }

    /// <summary>Drops what an invalidation names.</summary>
    public void Invalidate(in AtsInvalidation what)
    {
        lock (_lock)
        {
            _invalidations++;
            foreach (ref var entry in _entries.AsSpan())
            {
                if (entry.First <= what.Last && entry.Last >= what.First && IsMeant(entry.Pasid, what))
                    entry = default;
            }
        }
    }

    /// <summary>Drops everything.</summary>
    public void InvalidateAll()
    {
        lock (_lock)
        {
            _invalidations++;
            Array.Clear(_entries);
        }
    }

    private bool IsMeant(Pasid? pasid, in AtsInvalidation what) =>
        what.Pasid is null ? pasid is null || !keepsProcesses : what.IsGlobal ? pasid is not null : pasid == what.Pasid;

    /// <summary>A use that is going on.</summary>
    public readonly ref struct Using
    {
        private readonly ThreadRecord _thread;
        private readonly bool _opensGate;
        private readonly AccessEpoch.Scope _scope;

        internal Using(ThreadRecord thread, bool opensGate, AccessEpoch.Scope scope)
        {
            _thread = thread;
            _opensGate = opensGate;
            _scope = scope;
        }

        /// <summary>Ends it.</summary>
        public void Dispose()
        {
            _scope.Dispose();
            if (_opensGate)
                EventGate.Open(_thread);
        }
    }

    private readonly record struct Entry(
        Pasid? Pasid, Iova First, Iova Last, PhysicalAddress Target, Protection Protection, bool IsValid);
}
