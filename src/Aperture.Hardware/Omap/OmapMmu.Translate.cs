using Aperture.Core;
using Aperture.Datasheets.Omap;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Omap;

/// <content>The master's side. An address of 4 GiB or more is aborted: the master's port has 32 address lines. An access that is stalled
/// when the unit is reset or loses power is lost, and aborted.</content>
public sealed partial class OmapMmu
{
    private const ulong AddressSpace = 1UL << 32; // bytes that the master can address

    /// <inheritdoc/>
    protected override bool TryHit(in BusRequest request, int thread, out TranslationResult result)
    {
        if (_mode == Mode.Translating)
        {
            if (!_tlb.TryFind(0, request.Address, out result, out _, out _) || !Answers)
                return false;
            CountHit(thread);
            return true;
        }

        result = Pass(request.Address.Value, AddressSpace - request.Address.Value);
        return _mode == Mode.PassingThrough && request.Address.Value < AddressSpace && Answers;
    }

    /// <inheritdoc/>
    protected override TranslationResult Resolve(in BusRequest request, ref AccessAttempt attempt)
    {
        if (attempt.Number == 0)
            attempt.Mark = _resets;
        else if (attempt.Mark != _resets)
            return new TranslationResult(TranslationStatus.Aborted);
        else if (IsStalled || attempt.IsBeyondLast)
            return new TranslationResult(TranslationStatus.Stalled);

        var offset = request.Address.Value;
        if (!Answers || offset >= AddressSpace)
            return new TranslationResult(TranslationStatus.Aborted);
        if (IsStalled)
            return new TranslationResult(TranslationStatus.Stalled);
        if (!_control.IsEnabled || !_systemEnabled)
        {
            return _control.IsEnabled || _options.HasBypass ? Pass(offset, AddressSpace - offset)
                : new TranslationResult(TranslationStatus.Aborted);
        }

        if (InBypassRegion((uint)offset))
            return Pass(offset, BypassGranule - (offset % BypassGranule));
        var matches = _tlb.Lookup(0, request.Address, out var index);
        if (matches == 1 || (matches > 1 && _options.MultiHit == OmapMultiHit.Never))
        {
            var result = _tlb.Translate(index, request.Address);
            return result with { Length = Clip(offset, result.Length) };
        }

        return matches > 1 ? new TranslationResult(Fail(OmapFault.MultiHit, request, ref attempt)) : Miss(request, ref attempt);
    }

    /// <summary>Settles an access that matched no entry.</summary>
    private TranslationResult Miss(in BusRequest request, ref AccessAttempt attempt)
    {
        if (!_control.IsWalkerEnabled)
            return new TranslationResult(Fail(request.IsDebug ? OmapFault.EmuMiss : OmapFault.TlbMiss, request, ref attempt));

        var offset = request.Address.Value;
        var fault = Walk((uint)offset, out var cam, out var ram);
        if (fault != OmapFault.None)
            return new TranslationResult(request.IsDebug ? FailInBand((uint)offset) : Fail(fault, request, ref attempt));
        var cached = (!request.IsDebug || _control.IsEmuUpdateEnabled) && FillVictim(cam, ram, (uint)WalkMsb);
        var inPage = offset & ((1UL << cam.Shift) - 1);
        return Pass((WalkMsb << 32) | (ram.Address + inPage), Clip(offset, (1UL << cam.Shift) - inPage, cached));
    }

    /// <summary>A debugger's access that the walker cannot translate ends in a bus error, without an interrupt (DRA75x TRM, IPU).</summary>
    private TranslationStatus FailInBand(uint address)
    {
        _faults++;
        _emuFaultAddress = address;
        return TranslationStatus.Aborted;
    }

    private static TranslationResult Pass(ulong address, ulong length) =>
        new(TranslationStatus.Ok, new PhysicalAddress(address), length, Protection.ReadWrite);
}
