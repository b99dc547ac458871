using Aperture.Core;
using Aperture.Datasheets.Rockchip;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Rockchip;

/// <summary>One MMU of a Rockchip IOMMU: its registers, its walker, its TLB.</summary>
public sealed partial class RockchipMmu : IMmioDevice
{
    private readonly RockchipIommu _unit;
    private readonly SystemBus _bus;
    private readonly RockchipLineCache _directory; // lines of the directory, by the number of the entry
    private readonly RockchipLineCache _pages;     // lines of page tables, by the number of the page

    internal RockchipMmu(RockchipIommu unit, SystemBus bus)
    {
        _unit = unit;
        _bus = bus;
        Tlb = new TranslationCache(1, unit.Options.TlbEntries, unit.Options.Replacement);
        _directory = new RockchipLineCache(unit.Options.Lines, unit.Options.LineEntries);
        _pages = new RockchipLineCache(unit.Options.Lines, unit.Options.LineEntries);
        StallDelayPolls = unit.Options.StallDelayPolls;
        Reset();
    }

    /// <inheritdoc/>
    public uint Size => _unit.Options.WindowSize;

    /// <summary>Reads of STATUS that still answer "not stalled" after the next ENABLE_STALL; negative: for ever.</summary>
    public int StallDelayPolls { get; set; }

    /// <summary>Whether DTE_ADDR is broken: it reads zero whatever was written.</summary>
    public bool LosesTableBase { get; set; }

    internal TranslationCache Tlb { get; }

    internal ulong Walks { get; private set; }

    internal ulong Faults { get; private set; }

    /// <summary>Translates an access while the unit answers.</summary>
    internal TranslationStatus Translate(in BusRequest request, out PhysicalAddress address, out ulong contiguous)
    {
        var matches = -1;
        var index = -1;
        if (_mode == Mode.Translating)
        {
            matches = Tlb.Lookup(0, request.Address, out index);
            if (matches == 1 && (Needed(request.Access) & ~Tlb.Info(index)) == 0)
            {
                address = Tlb.Translate(index, request.Address, out contiguous);
                return TranslationStatus.Ok;
            }
        }

        return TranslateSlowly(request, matches, index, out address, out contiguous);
    }

    internal void Reset()
    {
        _status = new RockchipMmuStatus(_unit.Options.ResetStatus);
        _tableBase = _faultAddress = _autoGating = 0;
        _raw = _mask = RockchipMmuInterrupts.None;
        _stallPolls = 0;
        Zap();
        UpdateMode();
    }

    private static ulong Needed(DmaAccess access) => access == DmaAccess.Write ? CanWrite : CanRead;
}
