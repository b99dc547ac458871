using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Drivers.Nvme;

/// <summary>An NVMe controller with its driver. It is held active while it has its driver.</summary>
/// <remarks>
/// <para>Thread-safe, as far as the controller's registers are. What awaits a request goes on where its completion is seen: on the thread
/// that raises the interrupt, or inside of a call of this driver on any thread
/// (<see cref="NvmeDriverOptions.ContinueAsynchronously"/>). It should not block.</para>
/// <para>A request allocates nothing, once as many were under way at a time before.</para>
/// </remarks>
public sealed partial class NvmeClient : IBoundDriver
{
    internal static readonly TimeSpan AdminInterval = TimeSpan.FromMilliseconds(1);

    private readonly DeviceGates _gates;
    private readonly Lock _eventLock = new();
    private readonly Queue<NvmeAsyncEvent> _events = [];  // the last ones; guarded by the lock above
    private NvmeNamespaceDevice[] _namespaces = [];
    private NvmeIoQueue[] _queues = [];
    private NvmeAdminQueue? _admin;
    private int _state;                                   // an NvmeState
    private int _eventCount;
    private long _resets;
    private long _replays;
    private long _found;
    private long _interrupts;

    internal NvmeClient(Device device, TimeProvider time, NvmeDriverOptions options)
    {
        Device = device;
        Time = time;
        Options = options;
        Registers = device.Registers[0];
        IsPolled = options.Polling || device.Interrupts.Count == 0;
        _gates = new DeviceGates(device);
        _watchdog = time.CreateTimer(
            static state => ((NvmeClient)state!).OnWatchdog(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The device.</summary>
    public Device Device { get; }

    /// <summary>What the driver is at.</summary>
    public NvmeState State => (NvmeState)Volatile.Read(ref _state);

    /// <summary>What the controller says of itself.</summary>
    public NvmeIdentity Identity { get; private set; } = NvmeIdentity.Parse(new byte[4096]);

    /// <summary>Its namespaces, those that the driver can use.</summary>
    public IReadOnlyList<NvmeNamespaceDevice> Namespaces => _namespaces;

    /// <summary>I/O queue pairs.</summary>
    public int Queues => _queues.Length;

    /// <summary>Most bytes of one command, a multiple of 4096.</summary>
    public int MaxTransfer { get; private set; }

    /// <summary>Whether data are described by SGLs.</summary>
    public bool UsesSgl { get; private set; }

    /// <summary>Whether completions are looked for, and no interrupt is used.</summary>
    public bool IsPolled { get; }

    /// <summary>Why the controller is not used any more, in one line that names the device; null while it is.</summary>
    public string? Failure { get; private set; }

    /// <summary>How often the controller was reset because it failed or did not end a command, or on request.</summary>
    public long Resets => Volatile.Read(ref _resets);

    /// <summary>Commands that were issued again.</summary>
    public long Replays => Volatile.Read(ref _replays);

    /// <summary>How often the watchdog found completions that no interrupt had told of.</summary>
    public long LostInterrupts => Volatile.Read(ref _found);

    /// <summary>Interrupts that brought completions.</summary>
    public long Interrupts => Volatile.Read(ref _interrupts);

    /// <summary>Completions of commands that were not under way.</summary>
    public ulong StrayCompletions => _queues.Aggregate(_admin?.Strays ?? 0, static (sum, queue) => sum + queue.Strays);

    /// <summary>The last events that the controller told of, 16 at most, oldest first.</summary>
    public IReadOnlyList<NvmeAsyncEvent> Events
    {
        get
        {
            lock (_eventLock)
                return [.. _events];
        }
    }

    /// <summary>Called with each event that the controller tells of, on the thread that sees it.</summary>
    public event Action<NvmeAsyncEvent>? EventReceived;

    internal TimeProvider Time { get; }

    internal NvmeDriverOptions Options { get; }

    internal RegisterRegion Registers { get; }

    /// <summary>Looks for completions of all queues, as interrupts make it do.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Poll()
    {
        var any = _admin?.Drain() ?? false;
        foreach (var queue in _queues)
            any |= queue.Drain();
        return any;
    }

    /// <summary>Lets go of the controller: requests under way are waited for, those that wait fail.</summary>
    public void Remove()
    {
        var before = (NvmeState)Interlocked.Exchange(ref _state, (int)NvmeState.Removed);
        Failure ??= $"{Device.Name} is not used any more";
        WaitForWork();
        foreach (var queue in _queues)
            queue.Close();
        var isOff = TryTurnOff(before == NvmeState.Live);
        Silence();
        if (!isOff)
            Stop();
        _admin?.Forget();
        foreach (var queue in _queues)
            queue.FailAll(Failure);
        _watchdog.Dispose();
        foreach (var handler in _handlers)
            handler.Dispose(); // waits for one that runs
        Free();
        if (isOff)
            Unstop();
        _gates.Off();
    }

    /// <inheritdoc/>
    /// <remarks>Requests under way are waited for; those that do not end, and new ones, are done after <see cref="Resume"/>.</remarks>
    public void Suspend()
    {
        WaitForWork();
        if (Interlocked.CompareExchange(ref _state, (int)NvmeState.Suspended, (int)NvmeState.Live) == (int)NvmeState.Live)
        {
            foreach (var queue in _queues)
                queue.Close();
            WaitForRequests();
            Shutdown();
            TurnOff();
        }

        _gates.Off();
    }

    /// <inheritdoc/>
    /// <exception cref="ApertureException">The controller does not come back; its requests have failed.</exception>
    public void Resume()
    {
        _gates.On();
        if (State != NvmeState.Suspended)
            return;
        try
        {
            Restart();
        }
        catch (ApertureException e)
        {
            Fail($"{Device.Name} did not come back from sleep: {e.Message}");
            throw;
        }
    }

    /// <inheritdoc/>
    public void RuntimeSuspend() => _gates.Off();

    /// <inheritdoc/>
    public void RuntimeResume() => _gates.On();

    /// <summary>The queue for requests of the calling thread.</summary>
    internal NvmeIoQueue QueueOfThread() =>
        _queues.Length == 1 ? _queues[0] : _queues[(int)((uint)Thread.GetCurrentProcessorId() % (uint)_queues.Length)];

    internal void CountReplay() => Interlocked.Increment(ref _replays);

    internal void OnEvent(uint value)
    {
        NvmeAsyncEvent told;
        lock (_eventLock)
        {
            told = new NvmeAsyncEvent(_eventCount++, value);
            if (_events.Count == 16)
                _events.Dequeue();
            _events.Enqueue(told);
        }

        EventReceived?.Invoke(told);
    }

    private void Free()
    {
        foreach (var queue in _queues)
            queue.Free();
        _admin?.Free();
        _admin = null;
        _page.Dispose();
        _page = default;
    }
}
