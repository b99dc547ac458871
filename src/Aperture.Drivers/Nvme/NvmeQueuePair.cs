using System.Runtime.InteropServices;
using Aperture.Core.Threading;
using Aperture.Datasheets.Nvme;
using Aperture.Devices;
using Aperture.Dma.Memory;

namespace Aperture.Drivers.Nvme;

/// <summary>A submission queue with a completion queue of its own: entries, doorbells, phase.</summary>
/// <remarks>
/// <para>Thread-safe. No register is touched under <see cref="Gate"/>. A write of a doorbell may bring an interrupt on the same thread,
/// of any queue: the locks that are held meanwhile are taken with the event gate closed, so that handlers run when they were let go. Two
/// threads that served each other's queues under a lock of their own would wait for ever.</para>
/// <para>There are as many slots as the queue may hold, so no entry is overwritten before it was taken.</para>
/// </remarks>
internal abstract class NvmeQueuePair
{
    private readonly Lock _bell = new();  // orders writes of the tail's doorbell
    private readonly uint _entries;
    private readonly CoherentBuffer _submissions;
    private readonly CoherentBuffer _completions;
    private uint _tail;          // where the next command goes; guarded by the gate
    private uint _rung;          // the tail that the controller knows; guarded by the gate
    private uint _head;          // the next completion; guarded by the drain lock, as are those below
    private bool _phase = true;  // of the completions of this round

    protected NvmeQueuePair(NvmeClient client, int number, int entries)
    {
        Client = client;
        Number = number;
        _entries = (uint)entries;
        Slots = new NvmeSlot[entries - 1];
        for (var i = 0; i < Slots.Length; i++)
            Slots[i] = new NvmeSlot((ushort)i);
        _submissions = client.Device.Dma.Allocate(entries * NvmeCommand.Bytes);
        try
        {
            _completions = client.Device.Dma.Allocate(entries * NvmeCompletion.Bytes);
        }
        catch
        {
            _submissions.Dispose();
            throw;
        }
    }

    /// <summary>The number; 0 is the admin queue.</summary>
    public int Number { get; }

    /// <summary>Entries of each half.</summary>
    public int Entries => (int)_entries;

    /// <summary>Where the device finds the commands.</summary>
    public ulong SubmissionAddress => _submissions.Address.Value;

    /// <summary>Where it finds the completions.</summary>
    public ulong CompletionAddress => _completions.Address.Value;

    /// <summary>Completions of commands that are not under way.</summary>
    public ulong Strays { get; private set; }

    protected NvmeClient Client { get; }

    /// <summary>Guards slots, lists and what is under way; nothing is called under it.</summary>
    protected Lock Gate { get; } = new();

    /// <summary>Held by the thread that takes completions; before the gate.</summary>
    protected Lock Draining { get; } = new();

    protected NvmeSlot[] Slots { get; }

    /// <summary>Whether commands may be issued.</summary>
    protected bool IsOpen { get; private set; }

    /// <summary>Whether the controller listens to doorbells.</summary>
    private bool IsListened { get; set; }

    /// <summary>Whether a command is under way that ends by itself.</summary>
    public bool IsBusy
    {
        get
        {
            foreach (var slot in Slots)
            {
                if (slot.IsInFlight && slot.Use != NvmeAdminUse.Event)
                    return true;
            }

            return false;
        }
    }

    /// <summary>From now on commands are issued.</summary>
    public void Open()
    {
        lock (Gate)
            IsOpen = IsListened = true;
    }

    /// <summary>From now on none is.</summary>
    public void Close()
    {
        lock (Gate)
            IsOpen = false;
        lock (_bell)
        {
            // a doorbell that was being written is
        }
    }

    /// <summary>The controller is off: its doorbells are not touched any more.</summary>
    public void Silence()
    {
        lock (Gate)
            IsOpen = IsListened = false;
        lock (_bell)
        {
        }
    }

    /// <summary>Empties the queue of a controller that is off.</summary>
    public void Rewind()
    {
        lock (Draining)
        {
            lock (Gate)
            {
                (_tail, _rung, _head, _phase) = (0, 0, 0, true);
                _completions.Span.Clear();
            }
        }
    }

    /// <summary>Puts a command into the queue; <see cref="Ring"/> tells the controller. Under the gate.</summary>
    /// <returns>False when none may be issued.</returns>
    protected bool TryPlace(NvmeSlot slot)
    {
        if (!IsOpen)
            return false;
        slot.Command.Id = slot.Id;
        slot.Since = Client.Time.GetTimestamp();
        slot.IsLate = false;
        slot.IsInFlight = true;
        MemoryMarshal.Write(_submissions.Span.Slice((int)_tail * NvmeCommand.Bytes, NvmeCommand.Bytes), in slot.Command);
        _tail = _tail + 1 == _entries ? 0 : _tail + 1;
        return true;
    }

    /// <summary>Tells the controller of what was put into the queue.</summary>
    protected void Ring()
    {
        if (WriteTail() is { } error)
            Client.OnNoAnswer(error);
    }

    /// <summary>Takes all completions that are there.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Drain()
    {
        var error = TakeCompletions(out var any);
        if (any)
            AfterDrain();
        if (error is not null)
            Client.OnNoAnswer(error);
        return any;
    }

    /// <summary>Gives the memory back.</summary>
    public virtual void Free()
    {
        _completions.Dispose();
        _submissions.Dispose();
    }

    /// <summary>A command has ended; under the drain lock. It is not in flight afterwards.</summary>
    protected abstract void Complete(NvmeSlot slot, in NvmeCompletion completion);

    /// <summary>Completions were taken; under no lock.</summary>
    protected abstract void AfterDrain();

    private BusErrorException? WriteTail()
    {
        using var gate = EventGate.Close(ThreadRecord.Current);
        lock (_bell)
        {
            uint tail;
            lock (Gate)
            {
                if (!IsListened || _tail == _rung)
                    return null;
                tail = _rung = _tail;
            }

            try
            {
                Client.Registers.Write32(Client.SubmissionTail(Number), tail);
                return null;
            }
            catch (BusErrorException e)
            {
                return e;
            }
        }
    }

    private BusErrorException? TakeCompletions(out bool any)
    {
        any = false;
        using var gate = EventGate.Close(ThreadRecord.Current);
        lock (Draining)
        {
            try
            {
                while (TakeAll())
                {
                    any = true;
                    if (IsListened)
                        Client.Registers.Write32(Client.CompletionHead(Number), _head);
                }

                return null;
            }
            catch (BusErrorException e)
            {
                return e;
            }
        }
    }

    private bool TakeAll()
    {
        var any = false;
        while (TryRead(out var completion))
        {
            any = true;
            if (completion.Id < Slots.Length && completion.Queue == Number && Slots[completion.Id] is { IsInFlight: true } slot)
                Complete(slot, completion);
            else
                Strays++;
        }

        return any;
    }

    private bool TryRead(out NvmeCompletion completion)
    {
        var entry = MemoryMarshal.Cast<byte, ulong>(
            _completions.Span.Slice((int)_head * NvmeCompletion.Bytes, NvmeCompletion.Bytes));
        var high = Volatile.Read(ref entry[1]); // the controller writes the phase last
        completion = NvmeCompletion.Of(Volatile.Read(ref entry[0]), high);
        if (completion.Phase != _phase)
            return false;
        if (++_head == _entries)
        {
            _head = 0;
            _phase = !_phase;
        }

        return true;
    }
}
