namespace Aperture.Boards.Running;

// What the card is put through, one after the other.
public sealed partial class NicTraffic
{
    private const int Frames = 200; // each way
    private const int Burst = 300;  // frames that come while nobody gives buffers back

    /// <summary>The card hears itself.</summary>
    private void Loopback()
    {
        card.Open(loopback: true);
        _expected = 0;
        for (uint number = 0; number < Frames; number++)
            Send(number, Ours, number % 8 == 7);
        card.Kick();
        Settle(Frames, "in loop-back");
        GiveBack(0);
        card.Close();
    }

    /// <summary>Both directions at once, and frames that are for somebody else.</summary>
    private void Exchange()
    {
        card.Open();
        _expected = _arrived = 0;
        for (uint number = 0; number < Frames; number++)
        {
            Send(number, Theirs, number % 4 == 3);
            if (number % 5 == 0)
                model.OnFrame(Frame(0, 0x0200_0000_0009, Smallest + _random.Next(1400)));
            model.OnFrame(Frame(number, Ours, Length()));
        }

        card.Kick();
        Settle(Frames, "from the wire");
        if (_arrived != Frames)
            Fail($"{_arrived} of {Frames} frames came out on the wire");
    }

    /// <summary>The system sleeps while the card is open and the consumer holds frames.</summary>
    private void Sleep()
    {
        machine.Drivers.Suspend();
        machine.Clock.Advance(TimeSpan.FromSeconds(1));
        model.OnFrame(Frame(0, Ours, Smallest)); // nobody hears it
        machine.Drivers.Resume();
        _expected = _arrived = 0;
        for (uint number = 0; number < 32; number++)
        {
            Send(number, Theirs, true);
            model.OnFrame(Frame(number, Ours, Length()));
        }

        Settle(32, "after the sleep");
        if (_arrived != 32)
            Fail($"{_arrived} of 32 frames came out on the wire after the sleep");
    }

    /// <summary>More frames than there are buffers: the ring runs empty, frames are dropped, and then all is well again.</summary>
    private void Overrun()
    {
        GiveBack(0);
        _isGreedy = true;
        _expected = 0;
        for (uint number = 0; number < Burst; number++)
            model.OnFrame(Frame(number, Ours, Length()));
        var kept = (uint)_held.Count;
        var mapped = card.MappedPages;
        if (kept == Burst)
            Fail("the ring never ran empty");
        if (kept != _expected)
            Fail($"{_expected} frames were taken and {kept} are held");
        GiveBack(0);
        _isGreedy = false;
        _expected = 0;
        for (uint number = 0; number < Frames; number++)
            model.OnFrame(Frame(number, Ours, Length()));
        Settle(Frames, "after the overrun");
        if (card.MappedPages != mapped)
            Fail("pages were mapped again though half-pages were free");
        GiveBack(0);
        card.Close();
        if (card.Dropped != Burst - kept)
            Fail($"{card.Dropped} frames were counted as dropped, and {Burst - kept} were");
    }

    private void Settle(int frames, string where)
    {
        LetSend(() => card.SentFrames + card.Lost == card.QueuedFrames);
        if (card.Failure is { } failure)
            Fail(failure);
        else if (_expected != frames)
            Fail($"{_expected} of {frames} frames arrived {where}");
        if (card.SentFrames + card.Lost != card.QueuedFrames)
            Fail($"{card.QueuedFrames - card.SentFrames} frames were never done {where}");
        FreeSent();
    }
}
