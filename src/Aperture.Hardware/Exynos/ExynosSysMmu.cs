using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Datasheets.Exynos;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Exynos;

/// <summary>A Samsung Exynos System MMU: one on each AXI master port, 32-bit device addresses, two-level tables with 4 KiB, 64 KiB
/// and 1 MiB pages, versions 1 to 7. Sources: recorded driver behaviour and register lists of published drivers;
/// there is no public manual. What is not known is in <see cref="SysMmuOptions"/>.</summary>
/// <remarks>An address of 4 GiB or more is aborted without a trace in the registers: the master's port has 32 address lines. So is every
/// access while the unit has no power or is in reset, and without a clock unless the unit is disabled
/// (<see cref="SysMmuOptions.BypassNeedsClock"/>).</remarks>
[SkipLocalsInit] // walks are too short to clear frames for
public sealed partial class ExynosSysMmu : TranslationUnit
{
    private readonly SysMmuLayout _layout;
    private readonly SysMmuVersion _version;
    private readonly uint[] _words;                     // the registers as they read, but for the few that are computed
    private readonly TranslationCache[] _tlb;           // L1 TLB, one element for each bank
    private readonly uint _bankMask;                    // banks less one
    private readonly TranslationCache? _l2;             // second TLB, if the unit has one
    private readonly uint[] _tags = new uint[SysMmuVmRegister.Count]; // numbers of the VIDs' tags

    // First-level descriptor cache, if the unit has one: VID and table index of a descriptor.
    private readonly StructureCache<uint>? _flpds;

    // The erratum of version 3.x, if asked for: which pages of recently walked blocks had fault descriptors, a bit each in two words.
    private readonly StructureCache<uint>? _faultingPages;
    private readonly byte[] _vids;                      // VID of each stream; empty without virtual machines
    private readonly int _addressShift;                 // right shift of addresses in descriptors
    private readonly bool[] _isPlain;                   // by word: it can be written, and is no window to something else
    private readonly uint _flushEntry;                  // the register that takes one page out of the TLBs: written most of all
    private readonly int _flushVids;                    // how many VIDs the flush registers of the unit mean (inferred: all)
    private readonly uint _typeMask;                    // type bits of a first-level descriptor

    /// <summary>A unit after reset.</summary>
    /// <param name="bus">Where the walker reads tables.</param>
    /// <param name="options">Which unit it is.</param>
    /// <exception cref="ApertureException">An option is out of the range that it documents.</exception>
    public ExynosSysMmu(SystemBus bus, SysMmuOptions options)
        : base(bus)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Options = options;
        BlockDelayPolls = options.BlockDelayPolls;
        _layout = options.Layout;
        _version = new SysMmuVersion(options.Version);
        _words = new uint[options.WindowSize / sizeof(uint)];
        _tlb = new TranslationCache[options.TlbBanks];
        for (var i = 0; i < _tlb.Length; i++)
            _tlb[i] = new TranslationCache(1, options.EffectiveTlbWays, options.Replacement, Guard);
        _bankMask = (uint)_tlb.Length - 1;
        if (options.EffectiveL2TlbEntries != 0)
            _l2 = new TranslationCache(1, options.EffectiveL2TlbEntries, options.Replacement, Guard);
        _flpds = options.FlpdCacheEntries == 0 ? null : new StructureCache<uint>(options.FlpdCacheEntries, 1);
        _faultingPages = options.CachesFaultingPages ? new StructureCache<uint>(FaultingBlocks, 2) : null;
        var tags = new TlbTagTable();
        for (var vid = 0u; vid < _tags.Length; vid++)
            _tags[vid] = tags.NumberOf(new TlbTag(vid));
        _vids = _layout == SysMmuLayout.V7Vm ? [.. options.VidOfStream] : [];
        _addressShift = _version.AddressShift;
        _flushEntry = _layout == SysMmuLayout.V1 ? SysMmuV1Register.FlushEntry : SysMmuV5Register.FlushEntry;
        _flushVids = _layout == SysMmuLayout.V7Vm ? SysMmuVmRegister.Count : 1;
        _typeMask = (1u << options.FirstLevelTypeBits) - 1;
        _buffers = new uint[options.PrefetchBuffers * WordsPerBuffer];
        _isPlain = new bool[_words.Length];
        for (var i = 0; i < _isPlain.Length; i++)
            _isPlain[i] = !IsReadOnly((uint)i * sizeof(uint)) && BufferRegister((uint)i * sizeof(uint)) < 0;
        UseRoutes(_vids.Length);
        Reset();
    }

    /// <summary>Which unit it is.</summary>
    public SysMmuOptions Options { get; }

    /// <inheritdoc/>
    public override uint Size => Options.WindowSize;

    /// <inheritdoc/>
    public override int CacheEntries => (_tlb.Length * _tlb[0].Entries) + (_l2?.Entries ?? 0);

    /// <inheritdoc/>
    /// <remarks>A hit in either TLB is a hit; a miss is a table walk that an access needed.</remarks>
    public override TranslationCounters Counters
    {
        get
        {
            ulong hits = QuickHits + (_l2?.Hits ?? 0), invalidations = _l2?.Invalidations ?? 0;
            foreach (var bank in _tlb)
            {
                hits += bank.Hits;
                invalidations += bank.Invalidations;
            }

            return new TranslationCounters(hits, _walks, invalidations, _faults);
        }
    }

    /// <inheritdoc/>
    protected override bool TryHit(in BusRequest request, out TranslationResult result, out bool isCounted)
    {
        isCounted = true;
        if (_mode != Mode.Translating)
        {
            isCounted = false;
            result = PassThrough(request);
            return _mode == Mode.PassingThrough && request.Address.Value < AddressSpace && (Answers || PassesUnclocked);
        }

        var vid = VidOf(request.Stream);
        var bank = _tlb[(uint)(request.Address.Value >> 12) & _bankMask];
        if (!bank.TryFind(_tags[vid], request.Address, out result, out var info, out var index)
            || ((Needed(request) | SpecialVm) & _checks[vid] & ~(uint)info) != 0
            || !Answers)
        {
            return false;
        }

        bank.Touch(index);
        return true;
    }

    /// <summary>Sets a register as hardware does by itself: a fault that some other model found, a register lost with the power. No
    /// side effect but the one of the new value: the interrupt line and the state follow it.</summary>
    /// <param name="offset">Byte offset of a register.</param>
    /// <param name="value">What it reads from now on.</param>
    /// <exception cref="ArgumentOutOfRangeException">No such register.</exception>
    public void Poke(uint offset, uint value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(offset, Size);
        ArgumentOutOfRangeException.ThrowIfNotEqual(offset % sizeof(uint), 0u);
        using (HoldRegisters())
        {
            this[offset] = value;
            if (offset == SysMmuRegister.Control)
                _pollsLeft = 0;
            RefreshAll();
            EndAccesses();
        }
    }

    /// <inheritdoc/>
    protected override void ResetRegisters()
    {
        Array.Clear(_words);
        foreach (var (offset, value) in Options.ResetValues)
            this[offset] = value;
        ResetIdentity();
        Array.Clear(_buffers);
        InvalidateEverything();
        _flpds?.Clear();
        _faultHeld = false;
        _pollsLeft = 0;
        RefreshAll();
    }

    /// <summary>A register's word. Offsets beyond the window do not exist and read zero.</summary>
    private uint this[uint offset]
    {
        get => offset / sizeof(uint) < (uint)_words.Length ? _words[offset / sizeof(uint)] : 0;
        set
        {
            if (offset / sizeof(uint) < (uint)_words.Length)
                _words[offset / sizeof(uint)] = value;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint VidOf(StreamId stream) => stream.Value < (uint)_vids.Length ? _vids[stream.Value] : 0u;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Needed(in BusRequest request) => request.IsWrite ? (uint)SysMmuAccess.Write : (uint)SysMmuAccess.Read;
}
