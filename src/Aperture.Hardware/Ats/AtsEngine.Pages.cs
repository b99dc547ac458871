using Aperture.Core;
using Aperture.Core.Threading;
using Aperture.Datasheets.AtsEndpoint;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Ats;

/// <content>Page requests: groups, how many may be outstanding, and their answers.</content>
public sealed partial class AtsEngine
{
    private const int Groups = 512;

    private readonly AtsChannel?[] _groups = new AtsChannel?[Groups]; // who waits for a group's answer
    private int _nextGroup;
    private uint _outstanding; // page requests that were not answered

    /// <summary>Asks for the pages that a job lacks, and waits.</summary>
    private AtsEndpointResult AskForPages(AtsChannel channel, in AtsJob job, in Requester requester, Iova at)
    {
        if (channel.Tries == _options.Tries)
            return AtsEndpointResult.Refused;
        Span<ulong> pages = stackalloc ulong[_options.PagesOfGroup];
        var count = FindMissing(job, requester, at, pages);
        if (count == 0)
            return AtsEndpointResult.Busy; // they are there by now
        if (_function.HasFailedPageRequests)
            return AtsEndpointResult.Failed;
        var limit = _function.PageRequestLimit;
        if (limit == 0)
            return AtsEndpointResult.Refused;
        uint group;
        lock (_lock)
        {
            if (channel.Job != job.Number)
                return AtsEndpointResult.Busy;
            channel.State = AtsChannelState.Waits;
            if (_outstanding >= limit || !TryTakeGroup(channel, out group))
                return AtsEndpointResult.Busy; // until another group is answered
            count = (int)Math.Min((uint)count, limit - _outstanding);
            _outstanding += (uint)count;
            (channel.Group, channel.Requests) = (group, (uint)count);
            channel.Tries++;
        }

        var fate = PageRequestFate.Queued;
        var isWritten = job.Direction == DmaAccess.Write;
        for (var i = 0; i < count; i++)
        {
            Interlocked.Increment(ref _pageRequests);
            fate = _function.TryRequestPage(
                new AtsPageRequest(requester, new Iova(pages[i]), group, !isWritten, isWritten, i == count - 1));
        }

        // Software makes room before the device asks again.
        if (fate == PageRequestFate.Lost)
            EventGate.Post(new OwnAnswer(this, new PageAnswer(requester.Pasid, group, PageAnswerCode.Success)));
        else if (fate == PageRequestFate.Refused)
            Answer(new PageAnswer(requester.Pasid, group, PageAnswerCode.Failure));
        return AtsEndpointResult.Busy;
    }

    /// <summary>The answer of the unit itself to a request that it lost.</summary>
    private sealed class OwnAnswer(AtsEngine engine, PageAnswer answer) : IGateEvent
    {
        public void Deliver() => engine.Answer(answer);
    }

    /// <summary>Which of the next pages of a job have no translation.</summary>
    private int FindMissing(in AtsJob job, in Requester requester, Iova at, Span<ulong> pages)
    {
        var count = 0;
        var left = ((job.Address + (job.Length - 1)) >> 12) - (at.Value >> 12) + 1;
        for (var page = at.Value & ~PageMask; left > 0 && count < pages.Length; left--, page += PageMask + 1)
        {
            using (_function.Translations.Use())
            {
                if (!TryTranslate(requester, new Iova(page), job.Direction, out _))
                    pages[count++] = page;
            }
        }

        return count;
    }

    private bool TryTakeGroup(AtsChannel channel, out uint group)
    {
        for (var i = 0; i < Groups; i++)
        {
            group = (uint)((_nextGroup + i) % Groups);
            if (_groups[group] is not null)
                continue;
            _groups[group] = channel;
            _nextGroup = (int)group + (_options.ReusesGroups ? 0 : 1);
            return true;
        }

        group = 0;
        return false;
    }

    /// <summary>A group was answered: whoever waits for it, or for room, goes on once this thread holds no gated lock.</summary>
    internal void Answer(in PageAnswer answer)
    {
        List<AtsChannel> ready = [];
        lock (_lock)
        {
            _answers++;
            if (answer.Group >= Groups || _groups[answer.Group] is not { } channel || channel.Pasid != answer.Pasid)
            {
                _unexpected++;
                _function.NoteUnexpectedAnswer();
                return;
            }

            _groups[answer.Group] = null;
            _outstanding -= channel.Requests;
            channel.Group = null;
            if (answer.Code == PageAnswerCode.Failure)
                _function.NoteFailedAnswer();
            channel.Verdict = answer.Code switch
            {
                PageAnswerCode.Success => null,
                PageAnswerCode.Failure => AtsEndpointResult.Failed,
                _ => AtsEndpointResult.Refused,
            };
            foreach (var other in _channels)
            {
                if (other is not { State: AtsChannelState.Waits, Group: null })
                    continue;
                other.State = AtsChannelState.Ready;
                if (!other.HasRunner)
                    ready.Add(other);
            }
        }

        foreach (var channel in ready)
            EventGate.Post(channel);
    }
}
