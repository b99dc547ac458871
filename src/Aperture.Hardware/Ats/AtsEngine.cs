using Aperture.Core;
using Aperture.Datasheets.AtsEndpoint;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Ats;

/// <summary>The channels of an ATS endpoint: what they do.</summary>
/// <remarks>Any number of threads. A job runs on the thread that starts it, or that answers what it waits for, when that holds no gated
/// lock; no lock is held while it accesses memory.</remarks>
public sealed partial class AtsEngine : BusDevice
{
    private const ulong PageMask = 0xFFF;

    private readonly Lock _lock = new(); // of channels, groups and registers; for a moment, and calls nobody
    private readonly AtsEndpoint _function;
    private readonly AtsEndpointOptions _options;
    private readonly AtsChannel[] _channels;
    private readonly byte[] _buffer = new byte[AtsEndpointRegisters.BufferSize];

    internal AtsEngine(AtsEndpoint function, AtsEndpointOptions options)
    {
        (_function, _options) = (function, options);
        _channels = [.. Enumerable.Range(0, options.Channels).Select(_ => new AtsChannel(this))];
    }

    /// <inheritdoc/>
    public override uint Size => AtsEndpointRegisters.Size;

    /// <summary>Goes on with a job until it has ended, or waits. Where another thread is at it, or this one further up, that does
    /// so.</summary>
    internal void Run(AtsChannel channel)
    {
        lock (_lock)
        {
            if (channel.HasRunner || channel.State != AtsChannelState.Ready)
                return;
            channel.HasRunner = true;
        }

        while (true)
        {
            AtsJob job;
            lock (_lock)
            {
                if (channel.State != AtsChannelState.Ready)
                {
                    channel.HasRunner = false;
                    break;
                }

                (channel.State, job) = (AtsChannelState.Runs, channel.Take());
                if (channel.Verdict is { } verdict)
                {
                    channel.Verdict = null;
                    End(channel, verdict);
                    continue;
                }
            }

            var (result, bytes) = Step(channel, job);
            lock (_lock)
            {
                if (channel.Job != job.Number)
                    continue; // it was reset meanwhile, and may have another job
                if (bytes > 0)
                    (channel.Tries, channel.Moved) = (0, channel.Moved + bytes);
                if (result != AtsEndpointResult.Busy)
                    End(channel, result);
                else if (channel.State == AtsChannelState.Runs)
                    channel.State = AtsChannelState.Ready;
            }
        }

        UpdateInterrupt();
    }

    /// <summary>Does one piece of a job, or asks for what it lacks.</summary>
    /// <returns><see cref="AtsEndpointResult.Busy"/> where there is more to do; and bytes that were moved.</returns>
    private (AtsEndpointResult Result, uint Bytes) Step(AtsChannel channel, in AtsJob job)
    {
        if (!_function.TryGetRequester(job.Pasid, AccessFlags.None, out var requester))
            return (AtsEndpointResult.BusError, 0);
        if (job.Command == AtsEndpointCommand.Stop)
        {
            var marker = new AtsPageRequest(requester, default, 0, false, false, true);
            return (_function.TryRequestPage(marker) == PageRequestFate.Refused ? AtsEndpointResult.Refused : AtsEndpointResult.Done, 0);
        }

        var at = new Iova(job.Address) + job.Moved;
        var bytes = (uint)Math.Min(job.Length - job.Moved, PageMask + 1 - (at.Value & PageMask));
        if (TryMove(job, requester, at, (int)bytes) is not { } status)
            return (AskForPages(channel, job, requester, at), 0);
        if (status != DmaStatus.Ok)
            return (AtsEndpointResult.BusError, 0);
        return (job.Moved + bytes == job.Length ? AtsEndpointResult.Done : AtsEndpointResult.Busy, bytes);
    }

    /// <summary>Moves bytes of one page.</summary>
    /// <returns>Null where nothing allows it.</returns>
    private DmaStatus? TryMove(in AtsJob job, in Requester requester, Iova at, int bytes)
    {
        var isMoved = job.Command != AtsEndpointCommand.Prefetch;
        if (!_function.CanTranslate)
            return isMoved ? Move(job, requester, at, bytes, TranslationKind.Untranslated) : DmaStatus.Ok;
        using (_function.Translations.Use())
        {
            if (!TryTranslate(requester, at, job.Direction, out var target))
                return null;
            return isMoved ? Move(job, requester, new Iova(target.Address.Value), bytes, TranslationKind.Translated) : DmaStatus.Ok;
        }
    }

    private DmaStatus Move(in AtsJob job, in Requester requester, Iova at, int bytes, TranslationKind kind)
    {
        var part = _buffer.AsSpan((int)(job.Offset + job.Moved), bytes);
        return job.Direction == DmaAccess.Write ? _function.Port.Write(requester, at, part, out _, kind)
            : _function.Port.Read(requester, at, part, out _, kind);
    }

    /// <summary>Finds a translation, or asks the unit for one. Inside of a use of the translations.</summary>
    private bool TryTranslate(in Requester requester, Iova at, DmaAccess access, out TranslationResult target)
    {
        var translations = _function.Translations;
        if (translations.TryFind(requester.Pasid, at, access, out target))
        {
            Interlocked.Increment(ref _hits);
            return true;
        }

        Interlocked.Increment(ref _misses);
        var page = new Iova(at.Value & ~PageMask);
        var invalidations = translations.Invalidations;
        var wanted = access == DmaAccess.Read && _options.AsksForWrites ? DmaAccess.Write : access;
        target = _function.Translate(requester, page, wanted);
        var right = access == DmaAccess.Write ? Protection.Write : Protection.Read;
        if (target.Status != TranslationStatus.Ok || (target.Protection & right) == 0)
            return false;
        if (!_options.KeepsLargePages)
            target = target with { Length = Math.Min(target.Length, PageMask + 1) };
        translations.Fill(invalidations, requester.Pasid, page, target);
        target = target with { Address = target.Address + (at.Value - page.Value), Length = target.Length - (at.Value - page.Value) };
        return true;
    }

    private void End(AtsChannel channel, AtsEndpointResult result)
    {
        (channel.State, channel.Result) = (AtsChannelState.Idle, result);
        _interruptStatus |= 1u << Array.IndexOf(_channels, channel);
    }
}
