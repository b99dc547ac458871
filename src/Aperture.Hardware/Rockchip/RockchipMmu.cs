using System.Numerics;
using System.Runtime.CompilerServices;
using Aperture.Datasheets.Rockchip;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Rockchip;

/// <summary>One MMU of a Rockchip IOMMU: its registers, its walker, its TLB.</summary>
[SkipLocalsInit] // walks are too short to clear frames for
public sealed partial class RockchipMmu : IMmioDevice
{
    private readonly RockchipIommu _unit;
    private readonly SystemBus _bus;
    private readonly StructureCache<uint> _directory; // lines of the directory, by the number of the line
    private readonly StructureCache<uint> _pages;     // lines of page tables, likewise
    private readonly int _lineShift;                  // log2 of the entries of a line

    internal RockchipMmu(RockchipIommu unit, SystemBus bus)
    {
        _unit = unit;
        _bus = bus;
        Tlb = new TranslationCache(1, unit.Options.TlbEntries, unit.Options.Replacement, unit.Guard);
        _directory = new StructureCache<uint>(unit.Options.Lines, unit.Options.LineEntries);
        _pages = new StructureCache<uint>(unit.Options.Lines, unit.Options.LineEntries);
        _lineShift = BitOperations.Log2((uint)unit.Options.LineEntries);
        StallDelayPolls = unit.Options.StallDelayPolls;
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

    /// <summary>Whether the MMU translates accesses.</summary>
    internal bool IsTranslating => _mode == Mode.Translating;

    /// <summary>Whether the MMU stalls accesses.</summary>
    internal bool IsStalled => _mode == Mode.Held;

    /// <summary>What needs no lock.</summary>
    /// <param name="request">The access, while the unit answers.</param>
    /// <param name="result">What becomes of it.</param>
    /// <param name="isCounted">Whether the TLB served it.</param>
    internal bool TryHit(in BusRequest request, out TranslationResult result, out bool isCounted)
    {
        isCounted = _mode == Mode.Translating;
        if (!isCounted)
        {
            result = PassThrough(request);
            return _mode == Mode.PassingThrough;
        }

        if (!Tlb.TryFind(0, request.Address, out result, out var rights, out var index) || (Needed(request) & ~rights) != 0)
            return false;
        Tlb.Touch(index);
        return true;
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

    private static ulong Needed(in BusRequest request) => request.IsWrite ? CanWrite : CanRead;
}
