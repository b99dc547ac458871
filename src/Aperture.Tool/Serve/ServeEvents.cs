using System.Collections.Concurrent;
using System.Globalization;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.VfioUser;

namespace Aperture.Tool.Serve;

/// <summary>What happens at the sockets: lines for the view, and the trace.</summary>
internal sealed class ServeEvents(TextWriter? trace, bool sanitizes) : IVfioUserObserver
{
    private const int MostLines = 10_000; // that nobody has fetched yet

    private readonly ConcurrentQueue<string> _lines = new();
    private readonly Lock _lock = new(); // of the trace and the number of clients
    private TaskCompletionSource _allGone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _clients;
    private long _failures;

    /// <summary>Accesses that units did not let through.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>The next line for the view.</summary>
    public bool TryTake(out string line) => _lines.TryDequeue(out line!);

    /// <summary>Ends when the last client has gone.</summary>
    public Task AllGoneAsync(CancellationToken cancellation)
    {
        lock (_lock)
            return _allGone.Task.WaitAsync(cancellation);
    }

    public void OnFailedAccess(FailedAccess failed)
    {
        Interlocked.Increment(ref _failures);
        Say(failed.Fact);
        if (sanitizes)
            Say($"  {failed.Meaning}");
    }

    public void OnConnected(PciFunction function)
    {
        lock (_lock)
        {
            if (_clients++ == 0)
                _allGone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        Say($"{function.Name}: a client has come");
    }

    public void OnDisconnected(PciFunction function, string reason)
    {
        Say($"{function.Name}: {reason}");
        lock (_lock)
        {
            if (--_clients == 0)
                _allGone.TrySetResult();
        }
    }

    public void OnRefused(PciFunction function, int command, string why) => Say($"{function.Name}: message {command} refused: {why}");

    public void OnReset(PciFunction function) => Trace(function, "reset");

    public void OnMapped(PciFunction function, MemoryRange range, Protection rights, bool isMapped) =>
        Trace(function, $"map {range} {rights}{(isMapped ? "" : " by messages")}");

    public void OnUnmapped(PciFunction function, MemoryRange range) => Trace(function, $"unmap {range}");

    public void OnInterrupt(PciFunction function, int vector) =>
        Trace(function, vector < 0 ? "interrupt" : string.Create(CultureInfo.InvariantCulture, $"interrupt {vector}"));

    public void OnAccess(PciFunction function, int bar, ulong offset, int width, ulong value, bool isWrite, bool isAnswered)
    {
        if (trace is not null)
        {
            var answer = isAnswered ? "" : " not taken";
            Trace(function, string.Create(CultureInfo.InvariantCulture,
                $"{(isWrite ? 'W' : 'R')}{8 * width} {bar}+0x{offset:x} {(isWrite ? "<-" : "->")} 0x{value:x}{answer}"));
        }
    }

    /// <summary>A line for the view and the trace.</summary>
    public void Say(string line)
    {
        if (_lines.Count < MostLines)
            _lines.Enqueue(line);
        if (trace is not null)
        {
            lock (_lock)
                trace.WriteLine(line);
        }
    }

    private void Trace(PciFunction function, string what)
    {
        if (trace is null)
            return;
        lock (_lock)
            trace.WriteLine($"{function.Name} {what}");
    }
}
