using Aperture.Core;
using Aperture.Datasheets.Nvme;
using Aperture.Devices;

namespace Aperture.Drivers.Nvme;

/// <summary>The admin queue: calls that are waited for, aborts, and requests for events.</summary>
internal sealed class NvmeAdminQueue : NvmeQueuePair
{
    private const int AdminEntries = 32;

    private int _aborts; // under way; guarded by the gate, as are those below
    private readonly Queue<uint> _events = new(8); // that were told of and not passed on

    public NvmeAdminQueue(NvmeClient client)
        : base(client, 0, AdminEntries)
    {
    }

    /// <summary>Does a command and waits for its end.</summary>
    /// <param name="command">The command.</param>
    /// <returns>Word 0 of the completion, for one that ended well.</returns>
    /// <exception cref="ApertureException"><see cref="NvmeException"/>: it did not; <see cref="Status.TimedOut"/>: it did not end;
    /// <see cref="Status.Busy"/>: too many are under way; <see cref="Status.NoDevice"/>: the controller is gone.</exception>
    public uint Execute(in NvmeCommand command)
    {
        var name = (NvmeAdminOpcode)command.Opcode;
        var slot = Send(command, NvmeAdminUse.Call)
            ?? throw new ApertureException(Status.Busy, $"{Client.Device.Name} takes no admin command {name} now");
        Drain();
        if (!slot.IsDone)
        {
            Client.Time.WaitUntil((Queue: this, Slot: slot), static it =>
            {
                it.Queue.Drain();
                return it.Slot.IsDone;
            }, NvmeClient.AdminInterval, Client.Options.Timeout);
        }

        bool hasEnded;
        NvmeCompletion completion;
        lock (Gate)
        {
            hasEnded = slot.IsDone && !slot.IsLost;
            completion = slot.Completion;
            if (!slot.IsDone)
                slot.Use = NvmeAdminUse.Log; // nobody waits for it any more
            slot.IsDone = false;
        }

        if (!hasEnded)
            throw new ApertureException(
                Status.TimedOut, $"{Client.Device.Name} did not end admin command {name}{(slot.IsLost ? ": it was reset" : "")}");
        return completion.Status == NvmeStatus.Success ? completion.Result : throw new NvmeException(
            completion.Status, $"{Client.Device.Name} ended admin command {name} with {completion.Status}");
    }

    /// <summary>Asks for a command of a queue to be aborted.</summary>
    /// <returns>False when too many are being aborted.</returns>
    public bool TryAbort(int queue, ushort id)
    {
        lock (Gate)
        {
            if (_aborts >= Client.Identity.Aborts)
                return false;
            _aborts++;
        }

        var command = new NvmeCommand { Opcode = (byte)NvmeAdminOpcode.Abort, Word10 = (uint)queue | (uint)id << 16 };
        if (Send(command, NvmeAdminUse.Abort) is not null)
            return true;
        lock (Gate)
            _aborts--;
        return false;
    }

    /// <summary>Asks for an event.</summary>
    public void AwaitEvent() => Send(new NvmeCommand { Opcode = (byte)NvmeAdminOpcode.AsyncEventRequest }, NvmeAdminUse.Event);

    /// <summary>Whether a command should have ended long ago.</summary>
    public bool HasLate()
    {
        foreach (var slot in Slots)
        {
            if (slot.IsInFlight && slot.Use != NvmeAdminUse.Event && Client.Time.GetElapsedTime(slot.Since) >= Client.Options.Timeout)
                return true;
        }

        return false;
    }

    /// <summary>The controller is off: what was under way will not end.</summary>
    public void Forget()
    {
        lock (Gate)
        {
            foreach (var slot in Slots)
            {
                if (!slot.IsInFlight)
                    continue;
                slot.IsInFlight = false;
                slot.IsLost = true;
                slot.IsDone = slot.Use == NvmeAdminUse.Call;
            }

            _aborts = 0;
            _events.Clear();
        }
    }

    protected override void Complete(NvmeSlot slot, in NvmeCompletion completion)
    {
        lock (Gate)
        {
            switch (slot.Use)
            {
                case NvmeAdminUse.Abort:
                    _aborts--;
                    break;
                case NvmeAdminUse.Event when completion.Status == NvmeStatus.Success:
                    _events.Enqueue(completion.Result);
                    break;
                case NvmeAdminUse.Call:
                    slot.Completion = completion;
                    slot.IsDone = true;
                    break;
            }

            slot.IsInFlight = false;
        }
    }

    protected override void AfterDrain()
    {
        while (true)
        {
            uint value;
            lock (Gate)
            {
                if (!_events.TryDequeue(out value))
                    return;
            }

            // The log page is read so that the controller tells of this kind of event again.
            Send(Client.ReadEventLog(value), NvmeAdminUse.Log);
            AwaitEvent();
            Client.OnEvent(value);
        }
    }

    private NvmeSlot? Send(in NvmeCommand command, NvmeAdminUse use)
    {
        NvmeSlot? slot;
        lock (Gate)
        {
            slot = Array.Find(Slots, static slot => !slot.IsInFlight && !slot.IsDone);
            if (slot is null)
                return null;
            slot.Command = command;
            slot.Use = use;
            slot.IsLost = false;
            if (!TryPlace(slot))
                return null;
        }

        Client.Watch();
        Ring();
        return slot;
    }
}
