namespace Aperture.Schedules;

/// <summary>Runs threads by many schedules, and shrinks the first one that fails.</summary>
/// <remarks>A schedule is some switches at steps chosen at random over the length of a run: by turns a few, as most races need one or two,
/// and many in a part of it, for those whose moments are short. A step is everything that threads can meet at: a lock, an interlocked or
/// volatile access, a field, an element, a word of memory. Threads run one at a time, so that what is found is found by the order of steps
/// and not by what a processor may reorder.</remarks>
public sealed class Explorer : IDisposable
{
    private const int FewSwitches = 5;
    private const int ShorterTries = 1000; // for a shorter schedule, when what one is made of cannot go any more
    private const int ManySwitches = 200;
    private readonly Worker[] _workers;

    /// <param name="threads">How many threads.</param>
    public Explorer(int threads) => _workers = [.. Enumerable.Range(0, threads).Select(index => new Worker(index))];

    /// <summary>Steps of the last run.</summary>
    public int Steps { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var worker in _workers)
            worker.Dispose();
    }

    /// <summary>Tries schedules until one fails.</summary>
    /// <param name="make">Makes what is tried, anew for each schedule, and always the same.</param>
    /// <param name="count">How many schedules.</param>
    /// <param name="seed">Which ones.</param>
    /// <returns>Null when none failed.</returns>
    public ScheduleFailure? Explore(Func<Concurrent> make, int count, int seed)
    {
        ArgumentNullException.ThrowIfNull(make);
        if (Try(make, [], false) is { Error: { } error } whole)
            return new ScheduleFailure([], whole.Places, error, 0); // one after another
        var length = Steps;
        var random = new Random(seed);
        for (var tried = 1; tried <= count; tried++)
        {
            var schedule = tried % 2 == 0 ? Few(random, length) : Many(random, length);
            if (Try(make, schedule, false).Error is null)
            {
                length = Math.Max(length, Steps);
                continue;
            }

            schedule = Shrink(make, schedule);
            for (var shorter = 0; shorter < ShorterTries && schedule.Count > 1; shorter++)
            {
                var candidate = Few(random, length);
                if (candidate.Count < schedule.Count && Try(make, candidate, false).Error is not null)
                    schedule = Shrink(make, candidate);
            }

            var last = Try(make, schedule, true);
            return new ScheduleFailure(
                schedule, last.Places, last.Error ?? new ScheduleException("fails by this schedule, but not always"), tried);
        }

        return null;
    }

    private List<Switch> Few(Random random, int length) => [.. Enumerable.Range(0, random.Next(1, FewSwitches + 1))
        .Select(_ => new Switch(random.Next(1, length + 1), random.Next(_workers.Length)))
        .OrderBy(change => change.Step)];

    private List<Switch> Many(Random random, int length)
    {
        var most = 1 << random.Next(1, 8); // the longest way between two switches
        var schedule = new List<Switch>();
        for (var step = random.Next(length); step <= length && schedule.Count < ManySwitches; step += random.Next(1, most + 1))
            schedule.Add(new Switch(step, random.Next(_workers.Length)));
        return schedule;
    }

    /// <summary>Fewer switches, as long as it fails: halves, quarters and so on go, down to one.</summary>
    private List<Switch> Shrink(Func<Concurrent> make, List<Switch> schedule)
    {
        for (var size = Math.Max(schedule.Count / 2, 1); size > 0; size /= 2)
        {
            for (var i = 0; i < schedule.Count;)
            {
                List<Switch> fewer = [.. schedule[..i], .. schedule[Math.Min(i + size, schedule.Count)..]];
                if (Try(make, fewer, false).Error is null)
                    i += size;
                else
                    schedule = fewer;
            }
        }

        return schedule;
    }

    private (Exception? Error, List<string> Places) Try(Func<Concurrent> make, IReadOnlyList<Switch> schedule, bool isTraced)
    {
        var concurrent = make();
        using var run = new Run(_workers, schedule, isTraced);
        run.Go(concurrent.Threads);
        Steps = run.Steps;
        var error = run.Error;
        if (error is null)
        {
            try
            {
                concurrent.Check();
            }
            catch (Exception e)
            {
                error = e;
            }
        }

        return (error, run.Places);
    }
}
