using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tegra;

/// <summary>The memory controller of a Tegra with its SMMU: 32-bit device addresses, two-level tables with pages of 4 KiB and sections of
/// 4 MiB, 4 or 128 address spaces at once. Sources: recorded driver behaviour, published boot firmware and register lists of early drivers;
/// no manual was at hand. What is not known is in <see cref="TegraSmmuOptions"/>.</summary>
/// <remarks>A stream is <see cref="FirstClientStream"/> plus the number of a client of the memory controller, or for a block that is not
/// modelled in detail the number of its swgroup: it then reads and writes as <see cref="TegraSoc.FindClient(uint, bool)"/> says. A
/// faulting access is ended with an error: this unit never stalls one for software to mend its cause. The clients of a hot reset are
/// stalled until it ends.</remarks>
[SkipLocalsInit] // walks are too short to clear frames for
public sealed partial class TegraSmmu : TranslationUnit
{
    /// <summary>Streams from here on are clients, below they are swgroups.</summary>
    public const uint FirstClientStream = 0x100;

    private const int WordsOfLine = 4;            // a TLB line holds the four words of a group
    private const ulong AddressSpace = 1ul << 32; // device addresses
    private const uint GroupMask = (1u << TegraTlbFlush.GroupShift) - 1;

    private readonly TegraSoc _soc;
    private readonly uint[] _words;         // registers that are storage
    private readonly uint[] _tables;        // PTB_DATA, by address space

    // The TLB's lines; in their two words the four of a group, with the rights of the levels above taken in. Pages that were used are
    // parts of them.
    private readonly TranslationCache _tlb;

    // Table words by their physical address, an atom at a time, whatever they mean and to whom.
    private readonly StructureCache<ulong> _ptc;
    private readonly uint _frameMask;       // bits of PFN
    private readonly uint _asidMask;        // address spaces less one

    /// <summary>A memory controller after reset.</summary>
    /// <param name="bus">Where the walker reads tables.</param>
    /// <param name="options">Which one it is.</param>
    /// <exception cref="ApertureException">An option is out of the range that it documents.</exception>
    public TegraSmmu(SystemBus bus, TegraSmmuOptions options)
        : base(bus)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Options = options;
        DrainDelayPolls = options.DrainDelayPolls;
        _soc = options.Soc;
        _words = new uint[options.WindowSize / sizeof(uint)];
        _tables = new uint[_soc.Asids];
        _tlb = new TranslationCache(1, _soc.TlbLines, options.Replacement, Guard, hasParts: true);
        _ptc = new StructureCache<ulong>(options.PtcLines, _soc.Atom / sizeof(uint));
        _frameMask = _soc.FrameMask;
        _asidMask = (uint)_soc.Asids - 1;
        _ways = WaysOf(_soc);
        Array.Fill(_routes, PassesThrough);
        UseRoutes(_routes.Length / 2);
        Reset();
    }

    /// <summary>Which memory controller it is.</summary>
    public TegraSmmuOptions Options { get; }

    /// <inheritdoc/>
    public override uint Size => Options.WindowSize;

    /// <inheritdoc/>
    public override int CacheEntries => _tlb.Entries;

    /// <inheritdoc/>
    public override TranslationCounters Counters => new(QuickHits + _tlb.Hits, _walks, _tlb.Invalidations, _errors);

    /// <inheritdoc/>
    protected override bool TryHit(in BusRequest request, out TranslationResult result, out bool isCounted)
    {
        var route = RouteOf(request);
        isCounted = route >= 0;
        if (route < 0)
        {
            result = PassThrough(request, 1ul << _soc.AddressBits);
            return route == PassesThrough && request.Address.Value < 1ul << _soc.AddressBits && Answers;
        }

        // Pages that were used, as parts of their lines; and only such as everybody may use who is neither privileged nor secure.
        if (!_tlb.TryFind((uint)route, request.Address, out result, out _, out var index)
            || (request.Needed & ~(uint)result.Protection) != 0
            || !Answers)
        {
            return false;
        }

        _tlb.Touch(index);
        return true;
    }

    /// <summary>SMMU_PTB_DATA of an address space.</summary>
    /// <param name="asid">Its number.</param>
    public uint TableData(int asid) => _tables[asid];

    /// <summary>Sets a register as hardware does by itself: an error that some other model found, a register lost with the power. No
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
            if (offset == TegraMcRegister.TableData)
                _tables[this[TegraMcRegister.TableAsid] & _asidMask] = value;
            else
                this[offset] = value;
            Refresh();
            EndAccesses();
        }
    }

    /// <inheritdoc/>
    protected override void ResetRegisters()
    {
        Array.Clear(_words);
        Array.Clear(_tables);
        this[TegraMcRegister.TlbConfig] = TegraTlbConfig.ResetValue;
        this[TegraMcRegister.PtcConfig] = TegraPtcConfig.ResetValue;
        if (Options.FirmwareEnables)
        {
            this[TegraMcRegister.Config] = TegraMcRegister.ConfigEnable;
            for (var i = 0; i < TegraMcRegister.TranslationEnables; i++)
                this[TegraMcRegister.TranslationEnable(i)] = uint.MaxValue;
        }

        _tlb.InvalidateAll();
        _ptc.Clear();
        _pollsLeft = 0;
        Refresh();
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

    /// <summary>The rights that an access needs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Needed(in BusRequest request) =>
        (request.IsWrite ? TegraDescriptor.WritableBit : TegraDescriptor.ReadableBit)
        | (request.IsSecure ? 0 : TegraDescriptor.NonSecureBit);

    /// <summary>The word of a line for an address: a group's by the page, a section's made into that of its page.</summary>
    private uint WordAt(int index, Iova address) => _tlb.PageShift(index) == TegraTlbFlush.GroupShift
        ? WordOf(_tlb.Info(index), _tlb.More(index), address)
        : PageOfSection((uint)_tlb.Info(index), address);

    /// <summary>The word of a page among the four of its group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint WordOf(ulong low, ulong high, Iova address)
    {
        var page = (int)(address.Value >> TegraDescriptor.PageShift);
        return (uint)(((page & 2) == 0 ? low : high) >> ((page & 1) * 32));
    }

    /// <summary>Where a page's word leads. No more than a page translates alike: the next one may be in another line, and stale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private TranslationResult ResultOf(uint word, Iova address)
    {
        const ulong offsetMask = (1ul << TegraDescriptor.PageShift) - 1;
        var offset = address.Value & offsetMask;
        return new TranslationResult(
            TranslationStatus.Ok,
            new PhysicalAddress(new TegraDescriptor(word).Address(_frameMask) | offset),
            offsetMask + 1 - offset,
            ((word & TegraDescriptor.ReadableBit) != 0 ? Protection.Read : 0)
                | ((word & TegraDescriptor.WritableBit) != 0 ? Protection.Write : 0),
            (word & TegraDescriptor.NonSecureBit) != 0 ? MemoryAttributes.NonSecure : MemoryAttributes.None);
    }

    private static uint PageOfSection(uint word, Iova address) =>
        (word & ~(TegraDescriptor.Count - 1u)) | ((uint)(address.Value >> TegraDescriptor.PageShift) & (TegraDescriptor.Count - 1));
}
