using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Datasheets.Omap;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Omap;

/// <summary>The MMU that stands before one master of TI's OMAP2 to OMAP5 and DRA7: a software-loadable, fully associative TLB
/// with an optional table walker. Tables carry no access rights: what is mapped can be read, written and fetched.</summary>
/// <remarks>Sources: OMAP36xx TRM ch. 15, TMS320C6A816x TRM (System MMU), DRA75x TRM ch. 20, OMAP4460 and AM572x register
/// lists, recorded driver behaviour.</remarks>
[SkipLocalsInit] // walks are too short to clear frames for
public sealed partial class OmapMmu : TranslationUnit
{
    private readonly OmapMmuOptions _options;
    private readonly TranslationCache _tlb;     // what an access matches; its entries are those of _cam and _ram
    private readonly ulong _exists;             // bit n: there is a register at offset 4 * n
    private readonly uint[] _storage;           // what was written where there is no register; empty unless the option says so
    private uint _revision;                     // hard-wired; changed only by Poke
    private ulong _faults;                      // faults since the unit was made, those of debuggers included
    private ulong _resets;                      // resets since the unit was made: an access held over a reset is lost
    private bool _systemEnabled = true;         // the enable input from the system's control block
    private Mode _mode;                         // what needs no further look

    /// <summary>An MMU in its reset state.</summary>
    /// <param name="bus">Where the walker reads tables.</param>
    /// <param name="options">Which MMU it is.</param>
    /// <exception cref="ApertureException">The number of entries or the size of the window is out of range.</exception>
    public OmapMmu(SystemBus bus, OmapMmuOptions options)
        : base(bus)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.TlbEntries is < 1 or > 32)
            throw new ApertureException(Status.InvalidArgument, $"an OMAP MMU has 1 to 32 TLB entries, not {options.TlbEntries}");
        if (options.WindowSize < OmapRegisters.EmuFaultAddress || options.WindowSize % 4 != 0)
        {
            throw new ApertureException(
                Status.InvalidArgument,
                $"a register window of 0x{options.WindowSize:x} bytes is not a whole number of words or too small for an OMAP MMU");
        }

        _options = options;
        _tlb = new TranslationCache(1, options.TlbEntries, ReplacementPolicy.RoundRobin, Guard);
        _cam = new OmapCam[options.TlbEntries];
        _ram = new OmapRam[options.TlbEntries];
        _ramMsb = new byte[options.TlbEntries];
        _exists = ExistingRegisters(options);
        _storage = options.UnknownRegisters == OmapUnknownRegisters.Storage ? new uint[options.WindowSize / 4] : [];
        _revision = options.Revision;
        Reset();
    }

    /// <summary>Which MMU it is.</summary>
    public OmapMmuOptions Options => _options;

    /// <inheritdoc/>
    public override uint Size => _options.WindowSize;

    /// <inheritdoc/>
    public override int CacheEntries => _tlb.Entries;

    /// <inheritdoc/>
    public override TranslationCounters Counters => new(QuickHits + _tlb.Hits, _tlb.Misses, _tlb.Invalidations, _faults);

    /// <summary>The enable input from the system's control block (DRA7 DSP: a bit of SYS_MMU_CONFIG); while it is low, addresses
    /// pass unchanged. High where nothing is connected.</summary>
    public bool IsSystemEnabled
    {
        get => _systemEnabled;
        set
        {
            using (HoldRegisters())
            {
                _systemEnabled = value;
                UpdateMode();
                EndAccesses();
            }
        }
    }

    /// <summary>Looks at its bit in the system's control block, under the unit's lock: of several threads that change it the last one to
    /// look finds what holds.</summary>
    internal void Follow(DspSystem system, int instance)
    {
        using (HoldRegisters())
        {
            _systemEnabled = system.Enables(instance);
            UpdateMode();
            EndAccesses();
        }
    }

    /// <summary>Whether the MMU stalls a faulted access.</summary>
    public bool IsStalled => _held != OmapFault.None;

    /// <inheritdoc/>
    protected override void ResetRegisters()
    {
        _resets++;
        _sysConfig = default;
        _sysStatus = 1;
        _resetReadsLeft = _options.ResetDoneReads;
        _irqStatus = 0;
        _irqEnable = 0;
        _control = default;
        _faultAddress = 0;
        _tableBase = 0;
        _lock = default;
        _camStaging = default;
        _ramStaging = default;
        _emuFaultAddress = 0;
        _tableBaseMsb = 0;
        _ramMsbStaging = 0;
        _faultPc = 0;
        _faultStatus = default;
        _gpReg = 0;
        Array.Clear(_bypassRegions);
        Array.Clear(_storage);
        ClearTlb();
        _held = OmapFault.None;
        UpdateMode();
        UpdateInterrupt();
    }

    private void UpdateMode()
    {
        var isOn = _control.IsEnabled && _systemEnabled;
        _mode = _held != OmapFault.None ? Mode.Other
            : isOn ? (_overlapping || HasActiveBypassRegion() ? Mode.Other : Mode.Translating)
            : _control.IsEnabled || _options.HasBypass ? Mode.PassingThrough
            : Mode.Other;
        SetRoute(0, new QuickRoute(_mode == Mode.Translating ? _tlb : null));
        NoteStall(_held != OmapFault.None);
    }

    private enum Mode : byte
    {
        Other,          // stalled, refusing, or a hit needs a further look
        Translating,
        PassingThrough,
    }
}
