using System.Runtime.InteropServices;
using Aperture.Core.Threading;
using Aperture.Datasheets.Nvme;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Nvme;

/// <content>Queues: commands taken, completions given, interrupts.</content>
public sealed partial class NvmeController
{
    private const ushort DoNotRetry = 1 << 15;

    private readonly NvmeSubmissionQueue?[] _submissions;
    private readonly NvmeCompletionQueue?[] _completions;
    private readonly bool[] _raised;                              // vectors with something that was not told yet, while commands run
    private readonly Queue<ushort> _waiting = new();              // requests for events, by command
    private readonly Queue<uint> _events = new();                 // events that nobody has asked for yet, as results
    private int _queues;                                          // one more than the highest number of a queue that was made
    private int _vectors;                                         // one more than the highest vector of one
    private bool _isRunning;

    /// <summary>Does what waits, queue by queue, one command of each in turn, until nothing does or the slice ends.</summary>
    private void Run()
    {
        if (_isRunning)
            return; // a command rang a doorbell: the loop below sees it
        _isRunning = true;
        BeginSlice();
        try
        {
            IsStuck = false;
            bool hasWorked;
            do
            {
                hasWorked = false;
                for (var i = 0; i < _queues && !IsStuck && !IsPaused; i++)
                {
                    if (_submissions[i] is { IsEmpty: false } queue && !queue.Completions.IsFull)
                        hasWorked |= TryStep(queue);
                }
            }
            while (hasWorked && !IsStuck && !IsPaused && (_status & NvmeControllerStatus.Fatal) == 0);
        }
        finally
        {
            _isRunning = false;
        }

        if (IsStuck && _retries++ < MostRetries)
            EventGate.Post(this);
        Tell();
    }

    private bool TryStep(NvmeSubmissionQueue queue)
    {
        var command = default(NvmeCommand);
        var status = Load(queue.Next, MemoryMarshal.AsBytes(new Span<NvmeCommand>(ref command)));
        if (status != DmaStatus.Ok)
            return Fails(status);

        var moved = DataBytes;
        var isAnswered = true;
        uint result = 0;
        var end = Inject?.Invoke(queue.Number, command)
            ?? (queue.Number == 0 ? DoAdmin(command, out result, out isAnswered) : DoBlocks(command));
        if (IsStuck)
            return false; // the command is taken again
        _retries = 0;
        queue.Take();
        if (isAnswered && !TryComplete(queue.Completions, queue, command.Id, end, result))
            return false;
        EndsSlice((int)(DataBytes - moved) + NvmeCommand.Bytes);
        return true;
    }

    /// <summary>A queue that cannot be read or written: stalled, or the end.</summary>
    private bool Fails(DmaStatus status)
    {
        if (status == DmaStatus.Stalled)
            IsStuck = true;
        else
            _status |= NvmeControllerStatus.Fatal;
        return false;
    }

    private bool TryComplete(NvmeCompletionQueue queue, NvmeSubmissionQueue source, ushort id, NvmeStatus status, uint result)
    {
        var field = (ushort)((int)status << 1 | (queue.Phase ? 1 : 0) | (status is NvmeStatus.Success or NvmeStatus.AbortRequested
            or NvmeStatus.DataTransferError or NvmeStatus.InternalError ? 0 : DoNotRetry));
        var (low, high) = new NvmeCompletion(result, (ushort)source.Head, source.Number, id, field).Words;
        // The status comes last: who sees the phase sees all of the entry.
        if (Store(queue.Next, MemoryMarshal.AsBytes(new Span<ulong>(ref low))) != DmaStatus.Ok
            || Store(queue.Next + sizeof(ulong), MemoryMarshal.AsBytes(new Span<ulong>(ref high))) != DmaStatus.Ok)
        {
            _status |= NvmeControllerStatus.Fatal;
            return false;
        }

        queue.Put();
        Commands++;
        if (queue.Vector >= 0)
            _raised[queue.Vector] = true;
        return true;
    }

    /// <summary>Raises what completions came in for: once for many.</summary>
    private void Tell()
    {
        for (var vector = 0; vector < _vectors; vector++)
        {
            if (!_raised[vector])
                continue;
            _raised[vector] = false;
            Message?.Invoke(vector);
        }

        UpdatePin();
    }

    /// <summary>The pin is up while a queue that raises interrupts has completions that nobody has taken.</summary>
    private void UpdatePin()
    {
        var isUp = false;
        for (var i = 0; i < _queues; i++)
        {
            if (_completions[i] is { IsEmpty: false, Vector: >= 0 } queue)
                isUp |= (_masks >> Math.Min(queue.Vector, 31) & 1) == 0;
        }

        Interrupt.Set(isUp && Answers);
    }

    /// <summary>An error event: software wrote a doorbell that it could not.</summary>
    private void TellError(uint kind)
    {
        const uint ErrorLog = 1;
        TellEvent(kind << 8 | ErrorLog << 16);
    }

    /// <summary>Tells an event to whoever asked for one; beyond as many as may ask, events are lost.</summary>
    private void TellEvent(uint result)
    {
        if (_events.Count < Options.AsyncEvents)
            _events.Enqueue(result);
        TellEvents();
    }

    private void TellEvents()
    {
        if (_events.Count == 0)
            return;
        while (_events.Count > 0 && _submissions[0] is { Completions.IsFull: false } admin && _waiting.TryDequeue(out var id))
            TryComplete(admin.Completions, admin, id, NvmeStatus.Success, _events.Dequeue());
        Tell();
    }
}
