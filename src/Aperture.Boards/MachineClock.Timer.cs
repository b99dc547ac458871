using System.Diagnostics;

namespace Aperture.Boards;

/// <content>What is set, and when it is due.</content>
public sealed partial class MachineClock
{
    /// <summary>A timer; all but its callback is guarded by the clock's lock.</summary>
    private sealed class Timer(MachineClock clock, TimerCallback callback, object? state) : ITimer
    {
        private bool _isDisposed; // cannot be set any more

        /// <summary>Where it is in the heap; less than zero: not set.</summary>
        public int Place { get; set; } = -1;

        /// <summary>When it fires, in ticks since power-on.</summary>
        public long Due { get; set; }

        /// <summary>Which setting of the clock it was: those due at the same time fire in this order.</summary>
        public long Order { get; set; }

        /// <summary>Ticks from one time to the next; zero or less: fires once.</summary>
        public long Period { get; private set; }

        public bool IsBefore(Timer other) => Due < other.Due || (Due == other.Due && Order < other.Order);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._lock)
            {
                if (_isDisposed)
                    return false;
                Period = period.Ticks;
                if (dueTime >= TimeSpan.Zero)
                    clock.Set(this, dueTime.Ticks);
                else
                    clock._due.Remove(this);
                return true;
            }
        }

        public void Fire() => callback(state);

        public void Dispose()
        {
            lock (clock._lock)
            {
                _isDisposed = true;
                clock._due.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>A binary heap of the timers that are set, each once: it knows its place, so that setting it again moves it.</summary>
    private sealed class TimerHeap
    {
        private Timer?[] _timers = new Timer?[16]; // the first Count are set

        public int Count { get; private set; }

        public Timer? First => Count == 0 ? null : _timers[0];

        /// <summary>Puts a timer where its time belongs, whether it was in the heap or not.</summary>
        public void Put(Timer timer)
        {
            if (timer.Place < 0)
            {
                if (Count == _timers.Length)
                    Array.Resize(ref _timers, 2 * Count);
                Store(Count++, timer);
            }

            Settle(timer);
        }

        /// <summary>Takes a timer out; nothing happens when it is not set.</summary>
        public void Remove(Timer timer)
        {
            var place = timer.Place;
            if (place < 0)
                return;
            timer.Place = -1;
            var last = _timers[--Count]!;
            _timers[Count] = null;
            if (last == timer)
                return;
            Store(place, last);
            Settle(last);
        }

        /// <summary>Asserts that each timer knows its place and none is behind one that is due later, in Debug.</summary>
        [Conditional("DEBUG")]
        public void AssertInvariants()
        {
            for (var place = 0; place < Count; place++)
            {
                Debug.Assert(_timers[place]!.Place == place, "a timer knows its place");
                Debug.Assert(place == 0 || !_timers[place]!.IsBefore(_timers[(place - 1) / 2]!), "the first timer is the first to be due");
            }
        }

        private void Settle(Timer timer)
        {
            var place = timer.Place;
            while (place > 0 && timer.IsBefore(_timers[(place - 1) / 2]!))
            {
                Store(place, _timers[(place - 1) / 2]!);
                place = (place - 1) / 2;
            }

            for (var child = (2 * place) + 1; child < Count; child = (2 * place) + 1)
            {
                if (child + 1 < Count && _timers[child + 1]!.IsBefore(_timers[child]!))
                    child++;
                if (timer.IsBefore(_timers[child]!))
                    break;
                Store(place, _timers[child]!);
                place = child;
            }

            Store(place, timer);
        }

        private void Store(int place, Timer timer)
        {
            _timers[place] = timer;
            timer.Place = place;
        }
    }
}
