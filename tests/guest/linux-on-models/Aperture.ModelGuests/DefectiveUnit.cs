using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.ModelGuests;

/// <summary>What the disk sees of a unit that takes reads for writes and writes for reads. Its registers are the other unit's.</summary>
internal sealed class DefectiveUnit(SystemBus bus, TranslationUnit unit) : TranslationUnit(bus)
{
    [ThreadStatic]
    private static TranslationStatus t_status;

    public override uint Size => unit.Size;

    public override int CacheEntries => unit.CacheEntries;

    public override TranslationCounters Counters => unit.Counters;

    protected override bool TryReadRegister(uint offset, int width, out ulong value) => throw new NotSupportedException();

    protected override bool TryWriteRegister(uint offset, int width, ulong value) => throw new NotSupportedException();

    /// <summary>Asks the unit, without holding a lock of one's own.</summary>
    protected override bool TryHit(in BusRequest request, out TranslationResult result, out bool isCounted)
    {
        isCounted = false; // the other unit counts
        var access = request.IsWrite ? DmaAccess.Read : DmaAccess.Write;
        result = unit.Translate(new BusRequest(request.Requester, request.Address, access, request.Length, request.Tag, request.Kind));
        t_status = result.Status;
        return result.Status == TranslationStatus.Ok;
    }

    protected override void Resolve(in BusRequest request, ref AccessAttempt attempt, out TranslationResult result) =>
        result = new TranslationResult(t_status == TranslationStatus.Ok ? TranslationStatus.Aborted : t_status);

    protected override void ResetRegisters()
    {
    }
}
