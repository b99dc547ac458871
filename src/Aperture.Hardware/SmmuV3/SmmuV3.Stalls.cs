using Aperture.Datasheets.SmmuV3;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.SmmuV3;

/// <content>Accesses that wait for software after a fault.</content>
public sealed partial class SmmuV3
{
    private const int TagBits = 16;

    private readonly Stall[] _stalls; // by tag
    private int _nextStall;
    private ulong _stallNumber;       // of accesses that were stalled: with the tag what one of them remembers

    /// <summary>Accesses that wait now.</summary>
    public int Stalled => _stalls.Count(stall => stall.State == StallState.Waits);

    /// <summary>Stalls an access.</summary>
    /// <returns>False when as many are stalled as can be: the access waits without a word, and comes again.</returns>
    private bool TryStall(in BusRequest request, ref AccessAttempt attempt, out uint tag)
    {
        for (var i = 0; i < _stalls.Length; i++)
        {
            tag = (uint)((_nextStall + i) % _stalls.Length);
            ref var stall = ref _stalls[tag];
            if (stall.State == StallState.Waits)
                continue;
            _nextStall = (int)tag + 1;
            stall = new Stall(request.Stream.Value, ++_stallNumber, StallState.Waits);
            attempt.Mark = (_stallNumber << TagBits) | tag;
            attempt.HasFaulted = true;
            return true;
        }

        tag = 0;
        attempt.Mark = 0;
        return false;
    }

    /// <summary>Whether an access that was stalled may be translated again; if not, what becomes of it.</summary>
    private bool IsReleased(in AccessAttempt attempt, out TranslationResult result)
    {
        result = new TranslationResult(TranslationStatus.Stalled);
        if (attempt.IsBeyondLast)
            return false;
        if (attempt.Mark == 0)
            return true; // it found no room to wait
        ref var stall = ref _stalls[(int)(attempt.Mark & ((1 << TagBits) - 1))];
        var state = stall.Number == attempt.Mark >> TagBits ? stall.State : StallState.Free;
        if (state == StallState.Waits)
            return false;
        if (state != StallState.Free)
            stall = default;
        if (state == StallState.Retried)
            return true;
        result = new TranslationResult(TranslationStatus.Aborted); // or lost in a reset
        return false;
    }

    private void ResumeStalled(in SmmuV3Command command)
    {
        if (command.StallTag >= (uint)_stalls.Length)
            return; // no access has this tag: nothing happens
        ref var stall = ref _stalls[(int)command.StallTag];
        if (stall.State == StallState.Waits && stall.Stream == command.Stream)
            stall = stall with { State = command.Retries ? StallState.Retried : StallState.Aborted };
    }

    private void TerminateStalled(uint stream)
    {
        foreach (ref var stall in _stalls.AsSpan())
        {
            if (stall.State == StallState.Waits && stall.Stream == stream)
                stall = stall with { State = StallState.Aborted };
        }
    }

    /// <summary>Nothing waits any more: all of it is aborted.</summary>
    private void ForgetStalls()
    {
        Array.Clear(_stalls);
        _owed.Clear();
    }

    private enum StallState : byte
    {
        Free,
        Waits,
        Retried,
        Aborted,
    }

    private readonly record struct Stall(uint Stream, ulong Number, StallState State);
}
