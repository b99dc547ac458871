using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Aperture.Core.Tests.PageTables;

/// <summary>Threads of which one at a time works, while the test waits for it.</summary>
public sealed class Turns : IDisposable
{
    private readonly BlockingCollection<Action>[] _work;
    private readonly Thread[] _threads;

    public Turns(int threads)
    {
        _work = [.. Enumerable.Range(0, threads).Select(_ => new BlockingCollection<Action>())];
        _threads = [.. _work.Select(work => new Thread(() =>
        {
            foreach (var turn in work.GetConsumingEnumerable())
                turn();
        }))];
        foreach (var thread in _threads)
            thread.Start();
    }

    public int Threads => _threads.Length;

    /// <summary>Lets one of the threads work and waits until it is done; what it throws is thrown here.</summary>
    public void Run(int thread, Action work)
    {
        using var done = new SemaphoreSlim(0);
        ExceptionDispatchInfo? failure = null;
        _work[thread].Add(() =>
        {
            try
            {
                work();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }

            done.Release();
        });
        done.Wait();
        failure?.Throw();
    }

    public void Dispose()
    {
        foreach (var work in _work)
            work.CompleteAdding();
        foreach (var thread in _threads)
            thread.Join();
        foreach (var work in _work)
            work.Dispose();
    }
}
