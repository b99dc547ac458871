using Aperture.Datasheets.Nvme;
using Aperture.Dma.Memory;

namespace Aperture.Drivers.Nvme;

/// <summary>An I/O queue pair: requests, cut into commands.</summary>
/// <remarks>A request stands in the line until commands were made for all of it. Commands are made in that order, as slots and buffers
/// come free.</remarks>
internal sealed partial class NvmeIoQueue : NvmeQueuePair
{
    private readonly CoherentBuffer _lists; // a PRP list for each slot
    private readonly int _maxBounces;
    private NvmeOperation? _unused;         // all below are guarded by the gate
    private NvmeOperation? _first;          // the line
    private NvmeOperation? _last;
    private NvmeOperation? _over;           // with a result that was not told yet, last first
    private NvmeSlot? _free;
    private NvmeSlot? _again;               // to issue again, first first
    private NvmeBounce? _bounces;           // free ones
    private int _bounceCount;
    private int _taken;                     // slots that are not free

    public NvmeIoQueue(NvmeClient client, int number, int entries)
        : base(client, number, entries)
    {
        var options = client.Options;
        _maxBounces = options.BounceBuffers;
        Vector = client.VectorOf(number);
        var bytes = NvmePrp.ListBytes(client.MaxTransfer);
        try
        {
            _lists = client.Device.Dma.Allocate(bytes * Slots.Length);
        }
        catch
        {
            base.Free();
            throw;
        }

        for (var i = Slots.Length - 1; i >= 0; i--)
        {
            var slot = Slots[i];
            slot.List = _lists.Memory.Slice(i * bytes, bytes);
            slot.ListAddress = _lists.Address.Value + (ulong)(i * bytes);
            slot.Next = _free;
            _free = slot;
        }
    }

    /// <summary>The interrupt that tells of its completions, by its place among the device's.</summary>
    public int Vector { get; }

    /// <summary>Takes a request object; fill it and give it to <see cref="Submit"/>.</summary>
    public NvmeOperation Rent()
    {
        lock (Gate)
        {
            if (_unused is { } operation)
            {
                _unused = operation.Next;
                operation.Next = null;
                return operation;
            }
        }

        return new NvmeOperation(this, Client.Options.ContinueAsynchronously);
    }

    /// <summary>Takes a request object back whose result was taken.</summary>
    public void GiveBack(NvmeOperation operation)
    {
        lock (Gate)
        {
            operation.Next = _unused;
            _unused = operation;
        }
    }

    /// <summary>Begins a request.</summary>
    public void Submit(NvmeOperation operation)
    {
        lock (Gate)
        {
            if (operation.IsCancelled || Client.Failure is not null)
            {
                operation.Error = Client.Failure is { } why ? NvmeClient.Gone(why) : null;
                MakeOver(operation);
            }
            else
            {
                operation.IsWaiting = true;
                if (_last is null)
                    _first = operation;
                else
                    _last.Next = operation;
                _last = operation;
            }
        }

        Feed();
        if (Client.IsPolled)
            DrainAll();
        TellResults();
    }

    /// <summary>Ends a request before its time.</summary>
    public void Cancel(NvmeOperation operation)
    {
        lock (Gate)
        {
            if (operation.IsOver || operation.IsCancelled)
                return;
            operation.IsCancelled = true;
            if (operation.IsWaiting)
            {
                Leave(operation);
                if (operation.Open == 0)
                    MakeOver(operation);
            }
        }

        foreach (var slot in Slots)
        {
            if (slot.Operation == operation && slot.IsInFlight)
                Client.TryAbort(Number, slot.Id);
        }

        TellResults();
    }

    /// <summary>Issues commands for what waits, as far as there is room.</summary>
    public void Feed()
    {
        var any = false;
        // Without the gate: who adds to either comes here itself.
        while (Volatile.Read(ref _first) is not null || Volatile.Read(ref _again) is not null)
        {
            NvmeSlot? slot;
            lock (Gate)
                slot = IsOpen ? TakeAgain() ?? TakeNext() : null;
            if (slot is null)
                break;
            if (slot.Operation is { IsCancelled: true })
            {
                End(slot, null, isOk: false);
                continue;
            }

            if (!slot.IsPrepared && !TryPrepare(slot, out var error))
            {
                if (!PutOff(slot))
                {
                    End(slot, error, isOk: false);
                    continue;
                }

                break;
            }

            lock (Gate)
            {
                if (TryPlace(slot))
                    any = true;
                else
                    PushAgain(slot);
            }
        }

        if (!any)
            return;
        Client.Watch();
        Ring();
    }

    protected override void Complete(NvmeSlot slot, in NvmeCompletion completion)
    {
        slot.IsInFlight = false;
        var operation = slot.Operation!;
        var code = completion.Status;
        if (code == NvmeStatus.Success)
        {
            End(slot, null, isOk: true);
            return;
        }

        if (code == NvmeStatus.CompareFailure && operation.Opcode == NvmeOpcode.Compare)
        {
            operation.IsDifferent = true;
            End(slot, null, isOk: true);
            return;
        }

        if (!completion.IsFinal && NvmeException.MayPass(code) && slot.Tries < Client.Options.Retries && !operation.IsCancelled)
        {
            slot.Tries++;
            Client.CountReplay();
            lock (Gate)
                PushAgain(slot);
            return;
        }

        var isCancel = operation.IsCancelled && code == NvmeStatus.AbortRequested;
        End(slot, isCancel ? null : Client.Failed(operation, slot, code), isOk: false);
    }

    /// <summary>Takes completions until none comes: with each, commands that waited are issued.</summary>
    public void DrainAll()
    {
        while (Drain())
        {
        }
    }

    protected override void AfterDrain()
    {
        Feed();
        TellResults();
    }

    /// <summary>The part of a slot is over, well or not: its memory is the caller's again.</summary>
    private void End(NvmeSlot slot, Exception? error, bool isOk)
    {
        error = Release(slot, isOk) ?? error;
        lock (Gate)
        {
            var operation = slot.Operation!;
            slot.Operation = null;
            slot.Next = _free;
            _free = slot;
            _taken--;
            operation.Open--;
            operation.Error ??= error;
            operation.IsCut |= !isOk && error is null;
            if (operation.IsWaiting && (operation.Error is not null || operation.IsCancelled))
                Leave(operation);
            if (operation.Open == 0 && !operation.IsWaiting)
                MakeOver(operation);
        }
    }

    /// <summary>Tells callers; under no lock.</summary>
    private void TellResults()
    {
        while (Volatile.Read(ref _over) is not null) // who adds to it comes here itself
        {
            NvmeOperation? operation;
            lock (Gate)
            {
                operation = _over;
                if (operation is null)
                    return;
                _over = operation.Next;
                operation.Next = null;
            }

            operation.Finish();
        }
    }

    private void MakeOver(NvmeOperation operation)
    {
        if (operation.IsOver)
            return;
        operation.IsOver = true;
        operation.Next = _over;
        _over = operation;
    }

    private NvmeSlot? TakeAgain()
    {
        if (_again is not { } slot)
            return null;
        _again = slot.Next;
        slot.Next = null;
        return slot;
    }

    private NvmeSlot? TakeNext()
    {
        if (_first is not { } operation || _free is not { } slot)
            return null;
        if (operation.IsBounced && _bounces is null && _bounceCount == _maxBounces)
            return null;
        _free = slot.Next;
        _taken++;
        slot.Next = null;
        slot.Operation = operation;
        slot.Offset = operation.Taken;
        slot.Blocks = (uint)Math.Min(operation.Count - operation.Taken, operation.Most);
        slot.Tries = 0;
        slot.IsPrepared = false;
        if (operation.IsBounced)
        {
            if (_bounces is { } bounce)
                (slot.Bounce, _bounces, bounce.Next) = (bounce, bounce.Next, null);
            else
                _bounceCount++; // it is allocated when it is filled
        }

        operation.Taken += slot.Blocks;
        operation.Open++;
        if (operation.Taken == operation.Count)
            Leave(operation);
        return slot;
    }

    /// <summary>Takes a request out of the line.</summary>
    private void Leave(NvmeOperation operation)
    {
        operation.IsWaiting = false;
        NvmeOperation? before = null;
        for (var other = _first; other != operation; other = other!.Next)
            before = other;
        if (before is null)
            _first = operation.Next;
        else
            before.Next = operation.Next;
        if (_last == operation)
            _last = before;
        operation.Next = null;
    }

    private void PushAgain(NvmeSlot slot)
    {
        slot.Next = null;
        if (_again is not { } last)
        {
            _again = slot;
            return;
        }

        while (last.Next is { } next)
            last = next;
        last.Next = slot;
    }

    /// <summary>Keeps a command for which something was missing, until another one ends.</summary>
    /// <returns>False when none is under way.</returns>
    private bool PutOff(NvmeSlot slot)
    {
        lock (Gate)
        {
            if (!Array.Exists(Slots, static other => other.IsInFlight))
                return false;
            PushAgain(slot);
            return true;
        }
    }
}
