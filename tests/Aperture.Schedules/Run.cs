using System.Diagnostics;
using System.Globalization;

namespace Aperture.Schedules;

/// <summary>One run by one schedule: one thread at a time, another where the schedule says so, and where the one ends or cannot go
/// on.</summary>
internal sealed class Run(IReadOnlyList<Worker> workers, IReadOnlyList<Switch> schedule, bool isTraced) : IDisposable
{
    private const int MostSteps = 3_000_000;   // a run that is longer goes round in circles
    private const int MostBlocks = 20_000;     // in a row, with no step between
    private readonly SemaphoreSlim _done = new(0);
    private int _next;   // in the schedule
    private int _blocks;
    private int _live;

    /// <summary>Steps that there were.</summary>
    public int Steps { get; private set; }

    /// <summary>What went wrong first.</summary>
    public Exception? Error { get; private set; }

    /// <summary>Where the switches were, if traced.</summary>
    public List<string> Places { get; } = [];

    public void Dispose() => _done.Dispose();

    public void Go(IReadOnlyList<Action> threads)
    {
        _live = threads.Count;
        for (var i = 0; i < threads.Count; i++)
            workers[i].Begin(this, threads[i]);
        workers[0].Resume();
        _done.Wait();
    }

    public void Step(Worker worker)
    {
        Steps++;
        _blocks = 0;
        if (Error is not null)
            return; // runs to its end alone
        if (Steps > MostSteps)
            throw new ScheduleException($"no end after {MostSteps} steps");
        if (_next >= schedule.Count || Steps < schedule[_next].Step)
            return;
        var target = schedule[_next++].Thread;
        if (isTraced)
            Trace(worker, target);
        PassOn(worker, target);
    }

    public void Block(Worker worker)
    {
        if (++_blocks > MostBlocks)
            throw new ScheduleException("every thread waits for another");
        PassOn(worker, worker.Index + 1);
    }

    public void End(Worker worker, Exception? error)
    {
        Error ??= error;
        if (--_live == 0)
            _done.Release();
        else
            Next(worker.Index + 1).Resume();
    }

    private void PassOn(Worker worker, int target)
    {
        var next = Next(target);
        if (next == worker)
            return;
        next.Resume();
        worker.Await();
    }

    /// <summary>The first from an index on that has not ended.</summary>
    private Worker Next(int index)
    {
        for (; ; index++)
        {
            var candidate = workers[index % workers.Count];
            if (!candidate.HasEnded)
                return candidate;
        }
    }

    private void Trace(Worker worker, int target)
    {
        var frames = new StackTrace().GetFrames().Select(frame => frame.GetMethod()).Where(method =>
            method?.DeclaringType?.Namespace is { } room && !room.StartsWith("Aperture.Schedules", StringComparison.Ordinal)
                && !room.StartsWith("System", StringComparison.Ordinal));
        var place = string.Join(" < ", frames.Take(3).Select(method => $"{method!.DeclaringType!.Name}.{method.Name}"));
        Places.Add(string.Create(
            CultureInfo.InvariantCulture,
            $"  step {Steps}: thread {worker.Index} stops in {place}; thread {target % workers.Count} goes on"));
    }
}
