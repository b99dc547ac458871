using Aperture.Core;
using Aperture.Datasheets.Rockchip;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Rockchip;

/// <summary>A Rockchip IOMMU, version 1 or 2: one MMU for each bus port of its master, all with registers of their own and one interrupt
/// line. Software programs them alike. Sources: the register reference of ARM's Mali-400 MMU, which it is compatible with, and recorded
/// driver behaviour. What is not known is in <see cref="RockchipIommuOptions"/>.</summary>
/// <remarks>The stream of a request is the number of the MMU that its port leads to. The unit's own register block is that of the
/// first MMU; the others stand on the bus by themselves. An address of 4 GiB or more is aborted without a trace in the registers, and so
/// is every access while the unit has no power or clock or is in reset. A stream beyond the last MMU comes in by the first.</remarks>
public sealed class RockchipIommu : TranslationUnit
{
    private const ulong AddressSpace = 1UL << 32;

    private readonly RockchipMmu[] _mmus;

    /// <summary>A unit after reset.</summary>
    /// <param name="bus">Where the walkers read tables.</param>
    /// <param name="options">Which unit it is.</param>
    /// <exception cref="ApertureException">An option is out of the range that it documents.</exception>
    public RockchipIommu(SystemBus bus, RockchipIommuOptions options)
        : base(bus)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Options = options;
        _mmus = new RockchipMmu[options.Mmus];
        for (var i = 0; i < _mmus.Length; i++)
            _mmus[i] = new RockchipMmu(this, bus);
        UseRoutes(_mmus.Length);
        Reset();
    }

    /// <summary>Which unit it is.</summary>
    public RockchipIommuOptions Options { get; }

    /// <summary>The MMUs.</summary>
    public IReadOnlyList<RockchipMmu> Mmus => _mmus;

    /// <inheritdoc/>
    public override uint Size => Options.WindowSize;

    /// <inheritdoc/>
    public override int StreamsOfMaster => _mmus.Length;

    /// <inheritdoc/>
    public override int CacheEntries => _mmus.Length * Options.TlbEntries;

    /// <inheritdoc/>
    public override TranslationCounters Counters
    {
        get
        {
            ulong hits = QuickHits, misses = 0, invalidations = 0, faults = 0;
            foreach (var mmu in _mmus)
            {
                hits += mmu.Tlb.Hits;
                misses += mmu.Walks;
                invalidations += mmu.Tlb.Invalidations;
                faults += mmu.Faults;
            }

            return new TranslationCounters(hits, misses, invalidations, faults);
        }
    }

    /// <inheritdoc/>
    protected override bool TryHit(in BusRequest request, out TranslationResult result, out bool isCounted) =>
        MmuOf(request.Stream).TryHit(request, out result, out isCounted) && request.Address.Value < AddressSpace && Answers;

    /// <inheritdoc/>
    protected override void Resolve(in BusRequest request, ref AccessAttempt attempt, out TranslationResult result)
    {
        if (Answers && request.Address.Value < AddressSpace)
            MmuOf(request.Stream).Resolve(request, ref attempt, out result);
        else
            result = new TranslationResult(TranslationStatus.Aborted);
    }

    /// <inheritdoc/>
    protected override bool TryReadRegister(uint offset, int width, out ulong value) => _mmus[0].TryReadRegister(offset, width, out value);

    /// <inheritdoc/>
    protected override bool TryWriteRegister(uint offset, int width, ulong value) => _mmus[0].TryWriteRegister(offset, width, value);

    /// <summary>The interrupt line follows the MMUs.</summary>
    internal void UpdateInterrupt()
    {
        var isActive = false;
        foreach (var mmu in _mmus)
            isActive |= mmu.Pending != RockchipMmuInterrupts.None;
        Interrupt.Set(isActive && Answers);
    }

    /// <summary>Accesses go as the MMUs say, and are stalled while one of them stalls them.</summary>
    internal void UpdateRoutes()
    {
        var isStalled = false;
        for (var i = 0; i <= _mmus.Length; i++)
        {
            var mmu = MmuOf(new StreamId((uint)i));
            isStalled |= mmu.IsStalled;
            SetRoute(i, new QuickRoute(mmu.IsTranslating ? mmu.Tlb : null));
        }

        NoteStall(isStalled);
    }

    /// <inheritdoc/>
    protected override void ResetRegisters()
    {
        foreach (var mmu in _mmus)
            mmu.Reset();
        UpdateInterrupt();
    }

    private RockchipMmu MmuOf(StreamId stream) => _mmus[stream.Value < (uint)_mmus.Length ? stream.Value : 0];
}
