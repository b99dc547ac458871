using Aperture.Core.Threading;

namespace Aperture.Drivers.Nvme;

// What happens to commands when the controller does not do them.
internal sealed partial class NvmeIoQueue
{
    /// <summary>Looks for commands that should have ended long ago, and has those aborted that were not before.</summary>
    /// <returns>Whether one was not even aborted in time.</returns>
    public bool HasLost()
    {
        var hasLost = false;
        foreach (var slot in Slots)
        {
            if (!slot.IsInFlight)
                continue;
            var age = Client.Time.GetElapsedTime(slot.Since);
            hasLost |= age >= 2 * Client.Options.Timeout;
            if (age < Client.Options.Timeout || slot.IsLate)
                continue;
            slot.IsLate = Client.TryAbort(Number, slot.Id);
        }

        return hasLost;
    }

    /// <summary>The controller is off: what it had and did not complete is issued again when it is on, what was issued often enough
    /// fails.</summary>
    public void Replay()
    {
        ReplayLost();
        TellResults();
    }

    private void ReplayLost()
    {
        using var gate = EventGate.Close(ThreadRecord.Current);
        lock (Draining)
        {
            foreach (var slot in Slots)
            {
                if (!slot.IsInFlight)
                    continue;
                slot.IsInFlight = false;
                if (slot.Operation!.IsCancelled)
                {
                    End(slot, null, isOk: false);
                }
                else if (slot.Tries++ < Client.Options.Retries)
                {
                    Client.CountReplay();
                    lock (Gate)
                        PushAgain(slot);
                }
                else
                {
                    End(slot, Client.TimedOut(slot.Operation!, slot), isOk: false);
                }
            }
        }
    }

    /// <summary>Fails everything; the controller reaches no memory any more.</summary>
    public void FailAll(string why)
    {
        FailUnderWay(why);
        while (true)
        {
            NvmeSlot? slot;
            lock (Gate)
                slot = TakeAgain();
            if (slot is null)
                break;
            End(slot, NvmeClient.Gone(why), isOk: false);
        }

        lock (Gate)
        {
            while (_first is { } operation)
            {
                operation.Error ??= NvmeClient.Gone(why);
                Leave(operation);
                if (operation.Open == 0)
                    MakeOver(operation);
            }
        }

        TellResults();
    }

    private void FailUnderWay(string why)
    {
        using var gate = EventGate.Close(ThreadRecord.Current);
        lock (Draining)
        {
            foreach (var slot in Slots)
            {
                if (!slot.IsInFlight)
                    continue;
                slot.IsInFlight = false;
                End(slot, NvmeClient.Gone(why), isOk: false);
            }
        }
    }

    /// <summary>Whether nothing is under way, waits or is to be issued again.</summary>
    public bool IsIdle
    {
        get
        {
            lock (Gate)
                return _taken == 0 && _first is null;
        }
    }

    /// <inheritdoc/>
    public override void Free()
    {
        while (_bounces is { } bounce)
        {
            _bounces = bounce.Next;
            bounce.Free();
        }

        _bounceCount = 0;
        _lists.Dispose();
        base.Free();
    }
}
