using Aperture.Core;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Masters;

/// <summary>A translation unit without registers or tables: the test says which page leads where, and what becomes of an
/// access to any other.</summary>
public sealed class PageUnit(SystemBus bus) : TranslationUnit(bus)
{
    public const ulong PageSize = 4096;

    private readonly Dictionary<ulong, PhysicalAddress> _pages = []; // by page number

    public TranslationStatus Otherwise { get; set; } = TranslationStatus.Stalled;

    /// <summary>Called on a fault, as an interrupt handler would be; true to translate again.</summary>
    public Func<BusRequest, bool>? OnFault { get; set; }

    public override uint Size => 0x100;

    public override int CacheEntries => 0;

    public override TranslationCounters Counters => default;

    public void Map(ulong iova, PhysicalAddress physical, ulong bytes)
    {
        for (ulong at = 0; at < bytes; at += PageSize)
            _pages[(iova + at) / PageSize] = physical + at;
    }

    public void Unmap(ulong iova) => _pages.Remove(iova / PageSize);

    protected override void Resolve(in BusRequest request, ref AccessAttempt attempt, out TranslationResult result)
    {
        var offset = request.Address.Value % PageSize;
        do
        {
            if (_pages.TryGetValue(request.Address.Value / PageSize, out var page))
            {
                result = new TranslationResult(TranslationStatus.Ok, page + offset, PageSize - offset, Protection.ReadWrite);
                return;
            }
        }
        while (OnFault?.Invoke(request) == true);

        result = new TranslationResult(Otherwise);
    }

    protected override bool TryReadRegister(uint offset, int width, out ulong value)
    {
        value = 0;
        return true;
    }

    protected override bool TryWriteRegister(uint offset, int width, ulong value) => true;

    protected override void ResetRegisters() => _pages.Clear();
}
