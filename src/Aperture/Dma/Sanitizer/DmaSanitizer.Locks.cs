using System.Runtime.CompilerServices;
using Aperture.Core.Threading;

namespace Aperture.Dma.Sanitizer;

// Who holds what. A call or an access with which all is well, and that concerns mappings of one space only, holds that space's lock.
// Anything else holds all of them: then nobody adds, removes or changes anything.
public sealed unsafe partial class DmaSanitizer
{
    private const int MostQuota = 64; // mappings that a space may have without asking

    [ThreadStatic]
    private static bool t_isDriver;   // the driver is doing what is judged now on this thread, not the device

    private readonly long _born;      // the clock when this began
    private int _quota;               // mappings that spaces may have
    private int _holds;               // how often everything is held: who hears of a finding may ask for more

    private long Now => CallClock.Now - _born;

    private IEnumerable<LiveMapping> AllLive => _spaces.Values.SelectMany(space => space.Live);

    private static void Tick() => CallClock.Tick(ThreadRecord.Current);

    /// <summary>Holds one space.</summary>
    /// <returns>The calling thread's record; null, and nothing is done, for who holds everything already.</returns>
    private ThreadRecord? TryHold(SpaceWatch space)
    {
        byte here;
        return space.Lock.TryEnterOwned(&here) ?? TryHoldSlowly(space, &here);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ThreadRecord? TryHoldSlowly(SpaceWatch space, void* local)
    {
        if (_lock.IsHeldByCurrentThread)
            return null;
        space.Lock.EnterSeen(local);
        return ThreadRecord.Current;
    }

    /// <summary>Holds everything until the result is disposed. The order is the global lock, then the spaces'; the locks of pages come
    /// last.</summary>
    private All HoldAll()
    {
        _lock.Enter();
        if (_holds++ == 0)
        {
            var thread = ThreadRecord.Current;
            foreach (var space in _spaces.Values)
            {
                space.Lock.Enter(thread);
                thread.Clock = Math.Max(thread.Clock, space.Clock); // what happened there was before
            }
        }

        return new All(this);
    }

    /// <summary>Counts one more mapping. False when there are too many.</summary>
    private bool TryCount(SpaceWatch space)
    {
        if (space.LiveCount == space.Quota)
        {
            var more = Math.Clamp(_options.MaxMappings / 1024, 1, MostQuota);
            if (Interlocked.Add(ref _quota, more) > _options.MaxMappings)
            {
                Interlocked.Add(ref _quota, -more);
                return false;
            }

            space.Quota += more;
        }

        return true;
    }

    /// <summary>A space in which nothing is live is watched no more.</summary>
    private void Drop(SpaceWatch space)
    {
        Interlocked.Add(ref _quota, -space.Quota);
        space.Empty(_copies);
        space.Close();
        _spaces.Remove(space.Key);
        _pages.Remove(space);
        space.Lock.Exit();
    }

    private readonly ref struct All(DmaSanitizer sanitizer)
    {
        public void Dispose()
        {
            if (--sanitizer._holds == 0)
            {
                foreach (var space in sanitizer._spaces.Values)
                    space.Lock.Exit();
            }

            sanitizer._lock.Exit();
        }
    }
}
