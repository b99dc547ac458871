using Aperture.Core;
using Aperture.Datasheets.Omap;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Omap;

/// <summary>The master's side.</summary>
public sealed partial class OmapMmu
{
    private const ulong AddressSpace = 1UL << 32; // bytes that the master can address

    /// <inheritdoc/>
    /// <remarks>An address of 4 GiB or more is aborted: the master's port has 32 address lines. An access that is held back when
    /// the unit is reset or loses power is lost, and aborted.</remarks>
    protected override TranslationStatus Resolve(in BusRequest request, out PhysicalAddress address, out ulong contiguous)
    {
        var matches = -1;
        if (_translating && Answers)
        {
            matches = _tlb.Lookup(0, request.Address, out var index);
            if (matches == 1)
            {
                address = _tlb.Translate(index, request.Address, out contiguous);
                return TranslationStatus.Ok;
            }
        }

        return TranslateWithRetries(request, matches, out address, out contiguous);
    }

    private TranslationStatus TranslateWithRetries(in BusRequest request, int matches, out PhysicalAddress address, out ulong contiguous)
    {
        var resets = _resets;
        for (var retries = 0; ; retries++)
        {
            var status = matches < 0
                ? TranslateOnce(request, out address, out contiguous)
                : Resolve(request, matches, out address, out contiguous);
            if (status != TranslationStatus.Stalled)
                return status;
            if (_resets != resets)
                return TranslationStatus.Aborted;
            if (IsStalled || retries >= MaxRetries)
                return status;
            matches = -1;
        }
    }

    private TranslationStatus TranslateOnce(in BusRequest request, out PhysicalAddress address, out ulong contiguous)
    {
        address = default;
        contiguous = 0;
        var offset = request.Address.Value;
        if (!Answers || offset >= AddressSpace)
            return TranslationStatus.Aborted;
        if (IsStalled)
            return TranslationStatus.Stalled;
        if (!_control.IsEnabled || !_systemEnabled)
            return Pass(offset, AddressSpace - offset, _control.IsEnabled || _options.HasBypass, out address, out contiguous);
        if (InBypassRegion((uint)offset))
            return Pass(offset, BypassGranule - (offset % BypassGranule), true, out address, out contiguous);
        var matches = _tlb.Lookup(0, request.Address, out var index);
        if (matches != 1)
            return Resolve(request, matches, out address, out contiguous);
        address = _tlb.Translate(index, request.Address, out contiguous);
        contiguous = Clip(offset, contiguous);
        return TranslationStatus.Ok;
    }

    /// <summary>Settles an access that matched no entry, or several.</summary>
    private TranslationStatus Resolve(in BusRequest request, int matches, out PhysicalAddress address, out ulong contiguous)
    {
        address = default;
        contiguous = 0;
        var offset = request.Address.Value;
        if (offset >= AddressSpace)
            return TranslationStatus.Aborted;
        if (matches > 1)
        {
            if (_options.MultiHit != OmapMultiHit.Never)
                return Fail(OmapFault.MultiHit, request);
            _tlb.Probe(0, request.Address, out var index);
            address = _tlb.Translate(index, request.Address, out contiguous);
            contiguous = Clip(offset, contiguous);
            return TranslationStatus.Ok;
        }

        if (!_control.IsWalkerEnabled)
            return Fail(request.IsDebug ? OmapFault.EmuMiss : OmapFault.TlbMiss, request);

        var fault = Walk((uint)offset, out var cam, out var ram);
        if (fault != OmapFault.None)
            return request.IsDebug ? FailInBand((uint)offset) : Fail(fault, request);
        var cached = (!request.IsDebug || _control.IsEmuUpdateEnabled) && FillVictim(cam, ram, (uint)WalkMsb);

        var inPage = offset & ((1UL << cam.Shift) - 1);
        address = new PhysicalAddress((WalkMsb << 32) | (ram.Address + inPage));
        contiguous = Clip(offset, (1UL << cam.Shift) - inPage, cached);
        return TranslationStatus.Ok;
    }

    /// <summary>A debugger's access that the walker cannot translate ends in a bus error, without an interrupt (DRA75x TRM, IPU).</summary>
    private TranslationStatus FailInBand(uint address)
    {
        _faults++;
        _emuFaultAddress = address;
        return TranslationStatus.Aborted;
    }

    private static TranslationStatus Pass(ulong offset, ulong length, bool allowed, out PhysicalAddress address, out ulong contiguous)
    {
        address = allowed ? new PhysicalAddress(offset) : default;
        contiguous = allowed ? length : 0;
        return allowed ? TranslationStatus.Ok : TranslationStatus.Aborted;
    }
}
