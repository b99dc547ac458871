using Aperture.Core;
using Aperture.Datasheets.SmmuV3;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.SmmuV3;

/// <summary>The interrupt handler, and what the unit tells by events.</summary>
public sealed partial class SmmuV3Unit
{
    /// <summary>Hears of each event, faults of translations and others, once it was taken from the queue.</summary>
    public event Action<SmmuV3Event>? EventFound;

    /// <summary>Hears of global errors, once they were acknowledged.</summary>
    public event Action<SmmuV3GlobalErrors>? GlobalErrorFound;

    /// <summary>Takes all that the unit has to tell and reports it. An access that waits is tried again if somebody mended what was wrong,
    /// else it is aborted.</summary>
    internal InterruptResult OnInterrupt() => Guard(HandleInterrupt);

    private InterruptResult HandleInterrupt()
    {
        List<Found>? found = null;
        List<SmmuV3PageRequest>? requests = null;
        SmmuV3GlobalErrors errors;
        var isHandled = false;
        var losses = 0UL;
        using (Registers.Hold())
        {
            if (!CanAccess)
                return InterruptResult.None;
            errors = TakeErrors();

            // A unit that lost its state has lost its queues, too.
            if (((SmmuV3Control)_registers.Read32(SmmuV3Register.Cr0Ack) & SmmuV3Control.EventQueue) != 0)
            {
                isHandled = _events.Drain(offset => (found ??= []).Add(Take(offset)));
                if (_requests is not null)
                {
                    losses = _requests.Overflows;
                    isHandled |= _requests.Drain(offset => (requests ??= []).Add(TakeRequest(offset)));
                    losses = _requests.Overflows - losses;
                }
            }
        }

        if (errors != SmmuV3GlobalErrors.None)
            Tell(errors);
        foreach (var it in found ?? [])
            Tell(it);
        foreach (var request in requests ?? [])
            Tell(request);
        if (losses > 0)
            Core.DropPartialRequests(this); // the last of their groups was lost, and answered by the unit itself
        return isHandled || errors != SmmuV3GlobalErrors.None ? InterruptResult.Handled : InterruptResult.None;
    }

    private Found Take(int offset)
    {
        var record = new SmmuV3Event(
            _events.Load(offset), _events.Load(offset + 8), _events.Load(offset + 16), _events.Load(offset + 24));
        var owner = OwnerOf(record.Stream);
        var domain = owner?.DomainOf(record.Substream);
        return new Found(record, owner?.Device, domain, ContextOf(domain)?.Number ?? 0);
    }

    private void Tell(Found found)
    {
        var (record, device, domain, context) = found;
        Listeners.Tell(EventFound, record);
        var nested = domain as SmmuV3NestedDomain;
        var isParents = nested is not null && record is { IsTranslationFault: true, IsStage2: true };
        if (isParents)
            domain = nested!.Parent; // the guest's memory, which is not the guest's to mend
        if (record is { IsStalled: true, IsTranslationFault: true } && device is not null && !isParents
            && domain?.PageRequestHandler is not null)
        {
            using (Registers.Hold())
                _asked[(device, PasidOf(record), StallGroup | record.StallTag)] = record.Stream;
            Core.Report(StalledRequestOf(record, device));
            return;
        }

        var report = new FaultReport(
            this, device, context, AddressOf(record, isParents), AccessOf(record), ReasonOf(record.Id), (uint)record.Id)
        {
            Pasid = PasidOf(record),
            Stage = !record.IsTranslationFault ? TranslationStages.None
                : record.IsStage2 ? TranslationStages.Second : TranslationStages.First,
            IsTableAccess = record is { IsTranslationFault: true, IsStage2: true, Class: not SmmuV3EventClass.Input },
        };
        var response = Core.Report(record.IsTranslationFault || nested is not null ? domain : null, report);
        if (record.IsStalled)
            Resume(record.Stream, record.StallTag, response == FaultResponse.Retry);
    }

    /// <summary>The address that a domain's owner knows: of the parent of a nested domain the guest's physical one.</summary>
    private static Iova AddressOf(in SmmuV3Event record, bool isIntermediate) =>
        new(isIntermediate ? record.Fetched | (record.Class == SmmuV3EventClass.Input ? record.Address & 0xFFF : 0) : record.Address);

    private static Pasid? PasidOf(in SmmuV3Event record) => record.Substream is { } substream ? new Pasid(substream) : null;

    /// <summary>What the access was; unknown where the event does not say.</summary>
    private static FaultAccess AccessOf(in SmmuV3Event record)
    {
        if (record.Id is not (>= SmmuV3EventId.WalkAbort and <= SmmuV3EventId.Permission))
            return FaultAccess.Unknown;
        return record.IsFetch ? FaultAccess.Execute : record.IsRead ? FaultAccess.Read : FaultAccess.Write;
    }

    private static FaultReason ReasonOf(SmmuV3EventId id) => id switch
    {
        SmmuV3EventId.Translation => FaultReason.NotMapped,
        SmmuV3EventId.AddressSize => FaultReason.NotMapped,
        SmmuV3EventId.AccessFlag or SmmuV3EventId.Permission => FaultReason.Protection,
        SmmuV3EventId.WalkAbort or SmmuV3EventId.StreamFetch or SmmuV3EventId.ContextFetch => FaultReason.TableWalk,
        SmmuV3EventId.TlbConflict or SmmuV3EventId.ConfigConflict => FaultReason.MultipleHit,
        _ => FaultReason.Other,
    };

    /// <summary>An event, with who and what it was about when it was taken.</summary>
    private readonly record struct Found(SmmuV3Event Record, Device? Device, IommuDomain? Domain, int Context);
}
