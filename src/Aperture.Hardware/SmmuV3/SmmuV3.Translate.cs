using Aperture.Core;
using Aperture.Datasheets.SmmuV3;
using Aperture.Hardware.Translation;
using Aperture.Hardware.Translation.Walking;

namespace Aperture.Hardware.SmmuV3;

/// <content>The masters' side.</content>
public sealed partial class SmmuV3
{
    // The word kept with a TLB entry: what may be done there, and that a write has to mark the page first. What the entry itself says is
    // for accesses that are not privileged.
    private const ulong BecomesWritable = 1UL << 32;

    /// <inheritdoc/>
    protected override bool TryHit(in BusRequest request, out TranslationResult result, out bool isCounted)
    {
        isCounted = true;
        result = default;
        if (!IsTranslating || request.Kind != TranslationKind.Untranslated || !Answers)
            return false;
        var (stream, substream) = (request.Stream.Value, request.Pasid?.Value);
        var context = Volatile.Read(ref _contexts[PlaceOf(stream, substream)]);
        if (context is not { IsPlain: true } || context.Stream != stream || context.Substream != substream || context.Passes)
            return false;
        if (!_tlb.TryFind(context.Tag, request.Address, out result, out var info, out var index)
            || !WalkAccess.Of(request).IsAllowed((Protection)info))
            return false;
        result = result with { Protection = (Protection)info };
        _tlb.Touch(index);
        return true;
    }

    /// <inheritdoc/>
    protected override void Resolve(in BusRequest request, ref AccessAttempt attempt, out TranslationResult result)
    {
        if (attempt.Number > 0 && !IsReleased(attempt, out result))
            return;
        result = new TranslationResult(TranslationStatus.Aborted);
        if (!Answers)
            return;
        if (!IsTranslating)
        {
            if ((_globalBypass & SmmuV3Register.GlobalBypassAbort) == 0 && request.Kind != TranslationKind.TranslationRequest)
                result = Pass(request.Address.Value);
            return;
        }

        if (request.Kind == TranslationKind.Translated && (_control & SmmuV3Control.ChecksTranslated) == 0)
        {
            result = Pass(request.Address.Value);
            return;
        }

        if (!TryConfigure(request, out var context, out var fault))
        {
            if (fault.Word0 != 0)
                Report(fault);
            return;
        }

        if (request.Kind == TranslationKind.Untranslated)
            Translate(context, request, ref attempt, ref result);
        else
            Serve(context, request, ref result);
    }

    private TranslationResult Pass(ulong address) => (address & _outputMask) == 0
        ? new TranslationResult(TranslationStatus.Ok, new PhysicalAddress(address), ~_outputMask - address + 1, Protection.ReadWrite)
        : new TranslationResult(TranslationStatus.Aborted);

    /// <summary>A translation request, or an access to a translated address.</summary>
    private void Serve(StreamContext context, in BusRequest request, ref TranslationResult result)
    {
        var isRequest = request.Kind == TranslationKind.TranslationRequest;
        if (context.Entry.Ats == 0 || (isRequest && context.Passes))
        {
            Report(SmmuV3Event.Of(isRequest ? SmmuV3EventId.BadTranslationRequest : SmmuV3EventId.TranslatedForbidden, context.Stream,
                context.Substream).WithAccess(request.Address.Value, request.IsWrite, request.IsFetch, request.IsPrivileged));
            return;
        }

        var address = request.Address.Value;
        if (!isRequest)
        {
            // Split stage: what the device holds is an intermediate address.
            if (context.Entry.Ats != 2)
                result = Pass(address);
            else if (context.Second.TryWalk(address, context.AccessOf(request), out var behind, out _))
                result = ResultOf(behind, address);
            return;
        }

        // The answer to a request that faults is one without rights, and no event. What may be read is told to who asks for a write.
        var access = context.AccessOf(request);
        var half = context.HasStage1 ? context.HalfOf(ref address) : 0;
        if (TryWalk(context, half, address, access, out var page, out _)
            || (access.IsWrite && TryWalk(context, half, address, access with { IsWrite = false }, out page, out _)))
            result = Without(ResultOf(page, address), context.IsClean(page, access.IsWrite));
        else
            result = new TranslationResult(TranslationStatus.Ok, default, 0x1000 - (address & 0xFFF));
    }

    private void Translate(StreamContext context, in BusRequest request, ref AccessAttempt attempt, ref TranslationResult result)
    {
        var address = request.Address.Value;
        if (context.Passes)
        {
            result = Pass(address);
            if (result.Status != TranslationStatus.Ok)
                Report(SmmuV3Event.Of(SmmuV3EventId.AddressSize, context.Stream, context.Substream)
                    .WithAccess(address, request.IsWrite, request.IsFetch, request.IsPrivileged).WithStage(false, SmmuV3EventClass.Input));
            return;
        }

        var access = context.AccessOf(request);
        var half = context.HasStage1 ? context.HalfOf(ref address) : 0;
        var iova = new Iova(address);
        var matches = _tlb.Lookup(context.Tag, iova, out var index);
        if (matches > 1)
        {
            Report(SmmuV3Event.Of(SmmuV3EventId.TlbConflict, context.Stream, context.Substream)
                .WithAccess(address, request.IsWrite, request.IsFetch, request.IsPrivileged));
            return;
        }

        var fault = default(WalkFault);
        if (matches == 1)
        {
            var allowed = (Protection)_tlb.Info(index);
            if (access.IsAllowed(allowed))
            {
                result = _tlb.Translate(index, iova) with { Protection = allowed };
                return;
            }

            if ((_tlb.Info(index) & BecomesWritable) == 0)
                fault = PermissionOf(context, half, address, access);
            else
                _tlb.Invalidate(index);
        }

        if (fault.Kind == WalkFaultKind.None)
        {
            _walks++;
            if (TryWalk(context, half, address, access, out var page, out fault))
            {
                result = Keep(context, page, address, access.IsWrite);
                return;
            }
        }

        Refuse(context, request, access, fault, ref attempt, ref result);
    }

    /// <summary>The fault of an access that the TLB refuses. Which of two stages does so the tables say, as they are by now.</summary>
    private WalkFault PermissionOf(StreamContext context, int half, ulong address, WalkAccess access)
    {
        if (context.HasStage1 && context.HasStage2 && !TryWalk(context, half, address, access, out _, out var fault)
            && fault.Kind == WalkFaultKind.Permission)
            return fault;
        return new WalkFault(WalkFaultKind.Permission, context.HasStage1 ? 1 : 2, Address: address);
    }

    /// <summary>Walks, from the last table on where the unit has kept it.</summary>
    private bool TryWalk(StreamContext context, int half, ulong address, WalkAccess access, out WalkResult page, out WalkFault fault)
    {
        if (context.HasStage1 && context.Descriptor.IsOff(half))
        {
            page = default;
            fault = new WalkFault(WalkFaultKind.NotMapped, 1, 0, address);
            return false;
        }

        var (shift, last) = half == 0 ? context.LastTables : context.UpperLastTables;
        var step = shift == 0 ? default : _steps.Find(context.Tag, address, shift, last);
        var isKnown = !step.IsRoot;
        var isFound = !context.HasStage1 ? context.Second.TryWalk(address, access, ref step, out page, out fault)
            : context.HasStage2 ? context.Both[half].TryWalk(address, access, ref step, out page, out fault)
            : context.First[half].TryWalk(address, access, ref step, out page, out fault);
        if (isFound && !isKnown && shift != 0 && step.Level == last)
            _steps.Keep(context.Tag, address, shift, step);
        return isFound;
    }

    private static TranslationResult ResultOf(in WalkResult page, ulong address) => new(
        TranslationStatus.Ok,
        page.Address,
        (1UL << page.PageShift) - (address & ((1UL << page.PageShift) - 1)),
        page.Protection & (Protection.ReadWrite | Protection.NoExecute | Protection.Privileged),
        AttributesOf(page.Protection));

    private static MemoryAttributes AttributesOf(Protection protection) => (protection & Protection.Mmio) != 0 ? MemoryAttributes.Device
        : (protection & Protection.Cache) != 0 ? MemoryAttributes.WriteBack | MemoryAttributes.Shareable
        : MemoryAttributes.NonCacheable;

    /// <summary>Takes the right to write from a page that a write has to mark first.</summary>
    private static TranslationResult Without(in TranslationResult result, bool isClean) =>
        isClean ? result with { Protection = result.Protection & ~Protection.Write } : result;

    /// <summary>Puts what a walk found into the TLB. A page that was only read and counts as clean may be written after another walk,
    /// which marks it.</summary>
    private TranslationResult Keep(StreamContext context, in WalkResult page, ulong address, bool isWritten)
    {
        var isClean = context.IsClean(page, isWritten);
        var result = Without(ResultOf(page, address), isClean);
        _tlb.Fill(context.Tag, new TlbPage(
            new Iova(address),
            Math.Min(page.PageShift, 63),
            page.Address,
            (ulong)result.Protection | (isClean ? BecomesWritable : 0),
            Protection: (result.Protection & Protection.Privileged) == 0 ? result.Protection : result.Protection & ~Protection.ReadWrite,
            Attributes: result.Attributes));
        return result;
    }

    /// <summary>An access that faulted: stalled, or aborted and told.</summary>
    private void Refuse(StreamContext context, in BusRequest request, WalkAccess access, in WalkFault fault, ref AccessAttempt attempt,
        ref TranslationResult result)
    {
        var isSecond = fault.Stage == 2;
        var record = SmmuV3Event.Of(IdOf(fault.Kind), context.Stream, context.Substream)
            .WithAccess(request.Address.Value, access.IsWrite, access.IsFetch, access.IsPrivileged)
            .WithStage(isSecond, fault.IsTableAccess ? SmmuV3EventClass.Table : SmmuV3EventClass.Input, fault.Address);
        if (fault.Kind == WalkFaultKind.Bus)
        {
            Report(record.WithFetch(fault.Address));
            return;
        }

        var stalls = isSecond ? context.Entry.StallsStage2 : context.Descriptor.Stalls && !context.Entry.NeverStalls;
        if (stalls)
        {
            result = new TranslationResult(TranslationStatus.Stalled);
            if (TryStall(request, ref attempt, out var tag))
                Report(record.WithStall(tag));
            return;
        }

        if (isSecond ? context.Entry.RecordsStage2 : context.Descriptor.Records)
            Report(record);
        else
            _faults++;
    }

    private static SmmuV3EventId IdOf(WalkFaultKind kind) => kind switch
    {
        WalkFaultKind.AccessFlag => SmmuV3EventId.AccessFlag,
        WalkFaultKind.Permission => SmmuV3EventId.Permission,
        WalkFaultKind.AddressSize => SmmuV3EventId.AddressSize,
        WalkFaultKind.Bus => SmmuV3EventId.WalkAbort,
        _ => SmmuV3EventId.Translation,
    };
}
