using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Datasheets.Nvme;
using Aperture.Devices;

namespace Aperture.Drivers.Nvme;

// Commands that do not end, controllers that fail or go away.
public sealed partial class NvmeClient
{
    // Devices that a driver keeps from memory because it could not turn them off: until the next one has.
    private static readonly ConditionalWeakTable<Device, BusMastering> s_stopped = [];

    [ThreadStatic]
    private static int t_works; // what this thread is at, of any controller

    private readonly ITimer _watchdog;
    private int _works;        // threads that reset or fail the controller, or look whether they must
    private int _isWatching;   // the watchdog is set
    private bool _wasEnabled;  // it may do DMA
    private long _checked;     // when the registers were looked at

    private TimeSpan CheckInterval => Options.Timeout / 4;

    /// <summary>Resets the controller; requests under way that it has not completed are done again after that.</summary>
    /// <returns>False when it is not in use, or being reset already.</returns>
    public bool Reset() => Recover("a reset was asked for");

    /// <summary>Commands are under way: the watchdog looks after them.</summary>
    internal void Watch()
    {
        if (Volatile.Read(ref _isWatching) == 0 && Interlocked.Exchange(ref _isWatching, 1) == 0 && State != NvmeState.Removed)
            _watchdog.Change(IsPolled ? Options.PollInterval : CheckInterval, Timeout.InfiniteTimeSpan);
    }

    internal bool TryAbort(int queue, ushort id) => _admin?.TryAbort(queue, id) ?? false;

    /// <summary>A doorbell was not answered.</summary>
    internal void OnNoAnswer(BusErrorException error)
    {
        if (State is NvmeState.Live)
            Fail($"{Device.Name} does not answer any more: {error.Message}");
    }

    internal static ApertureException Gone(string why) => new(Status.NoDevice, why);

    internal ApertureException TimedOut(NvmeOperation operation, NvmeSlot slot) =>
        new(Status.TimedOut, $"{Describe(operation, slot)} did not end, though it was issued {slot.Tries} times");

    internal NvmeException Failed(NvmeOperation operation, NvmeSlot slot, NvmeStatus code) =>
        new(code, $"{Describe(operation, slot)} ended with {code} (0x{(int)code:x3})");

    /// <summary>Looks for the end of a request until it is there; the watchdog ends what the controller does not.</summary>
    internal void Wait(NvmeOperation operation, short version)
    {
        var spin = new SpinWait();
        while (!spin.NextSpinWillYield)
        {
            Poll();
            if (operation.IsFinished(version))
                return;
            spin.SpinOnce();
        }

        Time.WaitUntil((Client: this, Operation: operation, Version: version), static it =>
        {
            it.Client.Poll();
            return it.Operation.IsFinished(it.Version);
        }, Options.PollInterval, TimeSpan.MaxValue);
    }

    private string Describe(NvmeOperation operation, NvmeSlot slot) => operation.Opcode == NvmeOpcode.Flush
        ? $"{Device.Name} namespace {operation.Namespace!.Id}: Flush"
        : $"{Device.Name} namespace {operation.Namespace!.Id}: {operation.Opcode} of {slot.Blocks} blocks from "
            + $"{operation.Block + slot.Offset} on";

    private void OnWatchdog()
    {
        Volatile.Write(ref _isWatching, 0);
        BeginWork();
        try
        {
            if (State == NvmeState.Live)
                LookAfter();
        }
        finally
        {
            EndWork();
        }
    }

    private void LookAfter()
    {
        if (Poll())
        {
            if (!IsPolled)
                Interlocked.Increment(ref _found);
            foreach (var queue in _queues)
                queue.DrainAll();
        }

        if (!IsPolled || Time.GetElapsedTime(_checked) >= CheckInterval)
        {
            _checked = Time.GetTimestamp();
            Check();
        }

        if (State == NvmeState.Live && Array.Exists(_queues, static queue => queue.IsBusy || !queue.IsIdle))
            Watch();
        else if (_admin is { IsBusy: true })
            Watch();
    }

    /// <summary>Looks at the controller and at the age of what it does.</summary>
    private void Check()
    {
        try
        {
            if ((ReadStatus() & NvmeControllerStatus.Fatal) != 0)
            {
                Recover("it says that it failed (CSTS.CFS)");
                return;
            }
        }
        catch (ApertureException e)
        {
            Fail(e.Message);
            return;
        }

        var hasLost = _admin!.HasLate();
        foreach (var queue in _queues)
            hasLost |= queue.HasLost();
        if (hasLost)
            Recover("a command did not end");
    }

    private bool Recover(string why)
    {
        BeginWork();
        try
        {
            return TryRecover(why);
        }
        finally
        {
            EndWork();
        }
    }

    private bool TryRecover(string why)
    {
        if (Interlocked.CompareExchange(ref _state, (int)NvmeState.Resetting, (int)NvmeState.Live) != (int)NvmeState.Live)
            return false;
        Interlocked.Increment(ref _resets);
        try
        {
            TurnOff();
            Restart();
            return true;
        }
        catch (ApertureException e)
        {
            Fail($"{Device.Name} could not be reset after {why}: {e.Message}");
            return true;
        }
    }

    /// <summary>Takes the controller out of its work: it does no DMA afterwards. What it completed counts, the rest is kept.</summary>
    private void TurnOff()
    {
        foreach (var queue in _queues)
            queue.Close();
        Disable();
        Silence();
        foreach (var queue in _queues)
        {
            queue.Drain();
            queue.Replay();
        }

        _admin!.Drain();
        _admin.Forget();
    }

    private void Silence()
    {
        foreach (var queue in _queues)
            queue.Silence();
        _admin?.Silence();
    }

    /// <summary>The controller is not used any more: everything fails.</summary>
    private void Fail(string why)
    {
        BeginWork();
        try
        {
            FailAll(why);
        }
        finally
        {
            EndWork();
        }
    }

    private void FailAll(string why)
    {
        var before = State;
        if (before is NvmeState.Failed or NvmeState.Removed
            || Interlocked.CompareExchange(ref _state, (int)NvmeState.Failed, (int)before) != (int)before)
            return;
        Failure = why;
        Silence();
        Stop();
        _admin?.Forget();
        foreach (var queue in _queues)
            queue.FailAll(why);
    }

    private void BeginWork()
    {
        t_works++;
        Interlocked.Increment(ref _works);
    }

    private void EndWork()
    {
        Interlocked.Decrement(ref _works);
        t_works--;
    }

    /// <summary>Waits until no other thread resets or fails the controller, or looks whether it must.</summary>
    private void WaitForWork()
    {
        var spin = new SpinWait();
        while (t_works == 0 && Volatile.Read(ref _works) > 0)
            spin.SpinOnce();
    }

    /// <summary>Keeps a controller from memory that cannot be told to keep away, where there is a switch for that.</summary>
    private void Stop()
    {
        if (_wasEnabled && Device.BusMastering is { } switched && !s_stopped.TryGetValue(Device, out _) && switched.TryStop())
            s_stopped.Add(Device, switched);
    }

    /// <summary>The controller was reset: what keeps it from memory goes.</summary>
    private void Unstop()
    {
        if (s_stopped.TryGetValue(Device, out var switched) && s_stopped.Remove(Device))
            switched.Resume();
    }

    private bool TryTurnOff(bool isLive)
    {
        try
        {
            if (isLive)
            {
                WaitForRequests();
                Shutdown();
            }

            Disable();
            return true;
        }
        catch (ApertureException)
        {
            return false; // it is gone, or hangs
        }
    }

    private void WaitForRequests() => Time.WaitUntil(this, static client =>
    {
        client.Poll();
        return !Array.Exists(client._queues, static queue => queue.IsBusy);
    }, Interval, Options.Timeout);
}
