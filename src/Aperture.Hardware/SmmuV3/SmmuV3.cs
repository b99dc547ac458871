using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Datasheets.SmmuV3;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.SmmuV3;

/// <summary>An Arm SMMUv3: streams and substreams, two stages of VMSAv8-64 tables, commands and events by queues in memory. Source: IHI
/// 0070; the non-secure world.</summary>
/// <remarks>
/// <para>Configurations and translations are kept until a command drops them, as in silicon; entries that are invalid are not kept. The
/// TLB keeps both stages of a nested stream as one. Of walks the last table is kept, of a nested stream that of stage 1, until a command
/// that does not say LEAF drops it.</para>
/// <para>The wires are pulses in the architecture. Here the event queue's and the page request queue's are up while records wait, that of
/// global errors while one is active, and that of CMD_SYNC for a moment.</para>
/// <para>What faults and does not stall is aborted (SMMU_IDR0.TERM_MODEL is 1).</para>
/// </remarks>
[SkipLocalsInit] // walks are too short to clear frames for
public sealed partial class SmmuV3 : TranslationUnit
{
    private const int MostRoutesLog2 = 10;

    private readonly TranslationCache _tlb;
    private readonly WalkStepCache _steps;
    private readonly StreamContext?[] _contexts; // by a hash of stream and substream; read without the lock
    private readonly int _routed;                // streams from 0 on whose hits need not ask the unit
    private readonly TlbTagTable _tags = new();
    private readonly ulong _outputMask;          // bits that no physical address has
    private uint _hypervisor;                    // the tag's bits of the hypervisor's regime
    private ulong _walks;
    private ulong _faults;

    /// <summary>A unit after reset: translation is off.</summary>
    /// <param name="bus">Where tables and queues lie.</param>
    /// <param name="options">Which unit it is.</param>
    /// <exception cref="ApertureException">An option is out of the range that it documents.</exception>
    public SmmuV3(SystemBus bus, SmmuV3Options options)
        : base(bus, "eventq", "gerror", "priq", "cmdq-sync")
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Options = options;
        _tlb = new TranslationCache(1, options.TlbEntries, options.Replacement, Guard);
        _steps = new WalkStepCache(options.WalkSteps);
        _contexts = new StreamContext?[options.Configurations];
        _outputMask = ~(ulong.MaxValue >> (64 - options.OutputBits));
        _stalls = new Stall[options.Stalls];
        _message = new SmmuV3Message(this, bus);
        _routed = 1 << Math.Min(options.StreamBits, MostRoutesLog2);
        UseRoutes(_routed);
        Reset();
    }

    /// <summary>Which unit it is.</summary>
    public SmmuV3Options Options { get; }

    /// <inheritdoc/>
    public override uint Size => SmmuV3Register.WindowSize;

    /// <inheritdoc/>
    public override int CacheEntries => _tlb.Entries;

    /// <inheritdoc/>
    public override bool TakesPasids => Options.SubstreamBits > 0;

    /// <inheritdoc/>
    public override bool AnswersTranslationRequests => Options.HasAts;

    /// <inheritdoc/>
    public override TranslationCounters Counters => new(QuickHits + _tlb.Hits, _walks, _tlb.Invalidations, _faults);

    /// <summary>Walks that began at a table which the unit had kept, and those that began at the first one, since the unit was
    /// made.</summary>
    public (ulong Hits, ulong Misses) WalkSteps => _steps.Counters;

    /// <summary>Stream table entries and context descriptors that were read since the unit was made.</summary>
    public ulong ConfigurationReads { get; private set; }

    /// <inheritdoc/>
    protected override void ResetRegisters()
    {
        (_control, _control1, _control2, _interrupts, _globalBypass) = (SmmuV3Control.None, 0, 0, SmmuV3Interrupts.None, 0);
        (_globalErrors, _seenErrors) = (SmmuV3GlobalErrors.None, SmmuV3GlobalErrors.None);
        (_streamTable, _streamConfig) = (0, default);
        _commands = default;
        _events = default;
        _pageRequests = default;
        _errorMessage = default;
        _acknowledgePolls = 0;
        _stoppedCommands = _hasMuteDevice = false;
        DropContexts();
        OpenRoutes(false);
        _tlb.InvalidateAll();
        _steps.Clear();
        _tags.Clear();
        _hypervisor = _tags.NumberOf(new TlbTag(0, 0, TlbWorld.Hypervisor)) & TlbTag.VmidMask;
        ForgetStalls();
        UpdateInterrupts();
    }

    private void DropContexts() => DropContexts(static _ => true);

    private void DropContexts(Predicate<StreamContext> rule)
    {
        foreach (ref var place in _contexts.AsSpan())
        {
            if (place is { } context && rule(context))
                Keep(ref place, null);
        }
    }

    /// <summary>Keeps a configuration in place of another. The hits of a plain one need not ask the unit.</summary>
    private void Keep(ref StreamContext? place, StreamContext? context)
    {
        if (place is { Substream: null } before && before.Stream < (uint)_routed)
            SetRoute((int)before.Stream, default);
        Volatile.Write(ref place, context);
        if (context is { Substream: null, IsPlain: true, Passes: false } && context.Stream < (uint)_routed)
            SetRoute((int)context.Stream, new QuickRoute(_tlb, context.Tag));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int PlaceOf(uint stream, uint? substream) =>
        (int)((stream ^ (substream is { } ssid ? (ssid * 0x9E3779B1) >> 7 ^ 1 : 0)) & (uint)(_contexts.Length - 1));
}
