using System.Runtime.CompilerServices;
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
    protected override bool TryHit(in BusRequest request, out TranslationResult result, out bool isCounted)
    {
        isCounted = _mode == Mode.Translating;
        if (isCounted) // a debugger's access: whatever is not bare
            return _tlb.TryFind(0, request.Address, out result, out _, out _) && Answers;

        result = Pass(request.Address.Value, AddressSpace - request.Address.Value);
        return _mode == Mode.PassingThrough && request.Address.Value < AddressSpace && Answers;
    }

    /// <inheritdoc/>
    protected override void Resolve(in BusRequest request, ref AccessAttempt attempt, out TranslationResult result)
    {
        if (attempt.Number == 0)
            attempt.Mark = _resets;
        var offset = request.Address.Value;
        if (attempt.Mark != _resets || !Answers || offset >= AddressSpace)
        {
            result = new TranslationResult(TranslationStatus.Aborted);
        }
        else if (IsStalled || attempt.IsBeyondLast)
        {
            result = new TranslationResult(TranslationStatus.Stalled);
        }
        else if (!_control.IsEnabled || !_systemEnabled)
        {
            var passes = _control.IsEnabled || _options.HasBypass;
            result = passes ? Pass(offset, AddressSpace - offset) : new TranslationResult(TranslationStatus.Aborted);
        }
        else if (InBypassRegion((uint)offset))
        {
            result = Pass(offset, BypassGranule - (offset % BypassGranule));
        }
        else
        {
            var matches = _tlb.Lookup(0, request.Address, out var index);
            if (matches == 0)
            {
                Miss(request, ref attempt, out result);
            }
            else if (matches == 1 || _options.MultiHit == OmapMultiHit.Never)
            {
                result = _tlb.Translate(index, request.Address);
                result = result with { Length = Clip(offset, result.Length) };
            }
            else
            {
                result = new TranslationResult(Fail(OmapFault.MultiHit, request, ref attempt));
            }
        }
    }

    /// <summary>Settles an access that matched no entry.</summary>
    private void Miss(in BusRequest request, ref AccessAttempt attempt, out TranslationResult result)
    {
        if (!_control.IsWalkerEnabled)
        {
            result = new TranslationResult(Fail(request.IsDebug ? OmapFault.EmuMiss : OmapFault.TlbMiss, request, ref attempt));
            return;
        }

        var offset = request.Address.Value;
        var fault = Walk((uint)offset, out var cam, out var ram);
        if (fault != OmapFault.None)
        {
            result = new TranslationResult(request.IsDebug ? FailInBand((uint)offset) : Fail(fault, request, ref attempt));
            return;
        }

        var cached = (!request.IsDebug || _control.IsEmuUpdateEnabled) && FillVictim(cam, ram, (uint)WalkMsb);
        var inPage = offset & ((1UL << cam.Shift) - 1);
        result = Pass((WalkMsb << 32) | (ram.Address + inPage), Clip(offset, (1UL << cam.Shift) - inPage, cached));
    }

    /// <summary>A debugger's access that the walker cannot translate ends in a bus error, without an interrupt (DRA75x TRM, IPU).</summary>
    private TranslationStatus FailInBand(uint address)
    {
        _faults++;
        _emuFaultAddress = address;
        return TranslationStatus.Aborted;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TranslationResult Pass(ulong address, ulong length) =>
        new(TranslationStatus.Ok, new PhysicalAddress(address), length, Protection.ReadWrite);
}
