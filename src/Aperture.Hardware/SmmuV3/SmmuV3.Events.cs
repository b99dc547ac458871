using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Datasheets.SmmuV3;

namespace Aperture.Hardware.SmmuV3;

/// <content>What the unit tells software: events, page requests, global errors, and the interrupts of all.</content>
public sealed partial class SmmuV3
{
    private readonly Queue<SmmuV3Event> _owed = new(); // events of stalled accesses that found no room: they are never lost
    private readonly SmmuV3Message _message;
    private SmmuV3GlobalErrors _globalErrors;
    private SmmuV3GlobalErrors _seenErrors;

    /// <summary>Events that were written, and that were lost, since the unit was made.</summary>
    public (ulong Written, ulong Lost) Events { get; private set; }

    /// <summary>Tells software of an event.</summary>
    private void Report(in SmmuV3Event record)
    {
        _faults++;
        if (record.IsStalled)
        {
            _owed.Enqueue(record);
            WriteOwedEvents();
        }
        else if (_owed.Count > 0 || !TryWrite(record))
        {
            Lose();
        }
    }

    private void WriteOwedEvents()
    {
        while (_owed.TryPeek(out var record) && TryWrite(record))
            _owed.Dequeue();
    }

    private bool TryWrite(in SmmuV3Event record)
    {
        if ((_control & SmmuV3Control.EventQueue) == 0 || _events.IsFull)
            return false;
        Span<byte> bytes = stackalloc byte[SmmuV3Event.Bytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, record.Word0);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], record.Word1);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], record.Word2);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[24..], record.Word3);
        if (TryPut(ref _events, bytes, SmmuV3GlobalErrors.EventQueueAbort))
            Events = Events with { Written = Events.Written + 1 };
        return true;
    }

    private void Lose()
    {
        Events = Events with { Lost = Events.Lost + 1 };
        if ((_control & SmmuV3Control.EventQueue) == 0)
            return;
        Overflow(ref _events);
        UpdateInterrupts();
    }

    /// <summary>Says that entries were lost; once until software has seen it.</summary>
    private static void Overflow(ref Queue queue)
    {
        if (!queue.HasOverflown)
            queue.Producer ^= SmmuV3Ring.OverflowBit;
    }

    /// <summary>Writes an entry behind the others.</summary>
    private bool TryPut(ref Queue queue, ReadOnlySpan<byte> entry, SmmuV3GlobalErrors error)
    {
        var wasEmpty = queue.IsEmpty;
        if (!Bus.TryWriteMemory(new PhysicalAddress(queue.AddressOf(queue.Producer, entry.Length)), entry, Options.IsCoherent))
        {
            RaiseError(error);
            return false;
        }

        queue.Producer = queue.Ring.Next(queue.Producer) | (queue.Producer & SmmuV3Ring.OverflowBit);
        var isOn = (_interrupts & (error == SmmuV3GlobalErrors.EventQueueAbort ? SmmuV3Interrupts.EventQueue
            : SmmuV3Interrupts.PageRequestQueue)) != 0;
        if (wasEmpty && isOn && queue.Message.Address != 0)
            Send(queue.Message, error == SmmuV3GlobalErrors.EventQueueAbort ? SmmuV3GlobalErrors.EventQueueMessage
                : SmmuV3GlobalErrors.PageRequestQueueMessage);
        UpdateInterrupts();
        return true;
    }

    /// <summary>Makes a global error active, unless it is.</summary>
    private void RaiseError(SmmuV3GlobalErrors error)
    {
        if (((_globalErrors ^ _seenErrors) & error) != 0)
            return;
        _globalErrors ^= error;
        if ((_interrupts & SmmuV3Interrupts.GlobalError) != 0 && _errorMessage.Address != 0
            && error != SmmuV3GlobalErrors.GlobalErrorMessage)
            Send(_errorMessage, SmmuV3GlobalErrors.GlobalErrorMessage);
        UpdateInterrupts();
    }

    private void WriteSeenErrors(SmmuV3GlobalErrors seen)
    {
        // Only active errors can be acknowledged; toggling another bit would make it active.
        _seenErrors = seen & (SmmuV3GlobalErrors)0x1FD;
        UpdateInterrupts();
        if (_stoppedCommands && ((_globalErrors ^ _seenErrors) & SmmuV3GlobalErrors.Command) == 0)
        {
            _stoppedCommands = false;
            RunCommands();
        }
    }

    private void UpdateInterrupts()
    {
        var isPowered = Answers;
        Interrupts[0].Set(isPowered && (_interrupts & SmmuV3Interrupts.EventQueue) != 0 && _events.Message.Address == 0
            && (!_events.IsEmpty || _events.HasOverflown));
        Interrupts[1].Set(isPowered && (_interrupts & SmmuV3Interrupts.GlobalError) != 0 && _errorMessage.Address == 0
            && _globalErrors != _seenErrors);
        Interrupts[2].Set(isPowered && (_interrupts & SmmuV3Interrupts.PageRequestQueue) != 0 && _pageRequests.Message.Address == 0
            && (!_pageRequests.IsEmpty || _pageRequests.HasOverflown));
    }

    private void Send(in Message message, SmmuV3GlobalErrors error)
    {
        CloseGate();
        _message.Post(new PhysicalAddress(message.Address), message.Data, error);
    }

    /// <summary>A message did not arrive.</summary>
    internal void LoseMessage(SmmuV3GlobalErrors error)
    {
        using (HoldRegisters())
            RaiseError(error);
    }
}
