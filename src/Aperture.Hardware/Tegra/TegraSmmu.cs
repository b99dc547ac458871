using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tegra;

/// <summary>The memory controller of a Tegra with its SMMU: 32-bit device addresses, two-level tables with pages of 4 KiB and sections of 4 MiB,
/// 4 or 128 address spaces at once. Sources: recorded driver behaviour, published boot firmware and register lists of early drivers;
/// no manual was at hand. What is not known is in <see cref="TegraSmmuOptions"/>.</summary>
/// <remarks>A stream is <see cref="FirstClientStream"/> plus the number of a client of the memory controller, or for a block that is not modelled
/// in detail the number of its swgroup: it then reads and writes as <see cref="TegraSoc.FindClient(uint, bool)"/> says. Not thread-safe, as
/// <see cref="TranslationUnit"/> says.</remarks>
public sealed partial class TegraSmmu : TranslationUnit
{
    /// <summary>Streams from here on are clients, below they are swgroups.</summary>
    public const uint FirstClientStream = 0x100;

    private const int WordsOfLine = 4;            // a TLB line holds the four words of a group
    private const ulong AddressSpace = 1ul << 32; // device addresses

    private readonly TegraSoc _soc;
    private readonly uint[] _words;         // registers that are storage
    private readonly uint[] _tables;        // PTB_DATA, by address space
    private readonly TranslationCache _tlb; // tags of the TLB's lines
    private readonly uint[] _lines;         // words of the TLB's lines, with the rights of the levels above taken in
    private readonly TableWordCache _ptc;
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
        _tlb = new TranslationCache(1, _soc.TlbLines, options.Replacement);
        _lines = new uint[_soc.TlbLines * WordsOfLine];
        _ptc = new TableWordCache(options.PtcLines, _soc.Atom);
        _frameMask = _soc.FrameMask;
        _asidMask = (uint)_soc.Asids - 1;
        _ways = WaysOf(_soc);
        Reset();
    }

    /// <summary>Which memory controller it is.</summary>
    public TegraSmmuOptions Options { get; }

    /// <inheritdoc/>
    public override uint Size => Options.WindowSize;

    /// <inheritdoc/>
    public override int CacheEntries => _tlb.Entries;

    /// <inheritdoc/>
    public override TranslationCounters Counters => new(_tlb.Hits, _walks, _tlb.Invalidations, _errors);

    /// <inheritdoc/>
    /// <remarks>A faulting access is ended with an error: this unit never holds one back for software to mend its cause. The clients of a hot reset are
    /// held back until it ends.</remarks>
    protected override TranslationStatus Resolve(in BusRequest request, out PhysicalAddress address, out ulong contiguous)
    {
        var route = RouteOf(request);
        if (route < 0 || !Answers || request.Address.Value >= AddressSpace)
            return TranslateOtherwise(request, route, out address, out contiguous);
        if (_tlb.Lookup((uint)route, request.Address, out var index) == 1)
        {
            var word = WordAt(index, request.Address);
            var needed = Needed(request);
            if ((word & needed) == needed)
            {
                address = TargetOf(word, request.Address, out contiguous);
                return TranslationStatus.Ok;
            }
        }

        return TranslateSlowly(request, (uint)route, index, out address, out contiguous);
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
        if (offset == TegraMcRegister.TableData)
            _tables[this[TegraMcRegister.TableAsid] & _asidMask] = value;
        else
            this[offset] = value;
        Refresh();
    }

    /// <inheritdoc/>
    protected override void Reset()
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
    private uint Needed(in BusRequest request) =>
        (request.IsWrite ? TegraDescriptor.WritableBit : TegraDescriptor.ReadableBit) | (request.IsSecure ? 0 : TegraDescriptor.NonSecureBit);

    /// <summary>The word of a line for an address: a group's by the page, a section's made into that of its page.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint WordAt(int index, Iova address) => _tlb.PageShift(index) == TegraTlbFlush.GroupShift
        ? _lines[(index * WordsOfLine) + ((int)(address.Value >> TegraDescriptor.PageShift) & (WordsOfLine - 1))]
        : PageOfSection(_lines[index * WordsOfLine], address);

    /// <summary>Where a page's word leads. No more than a page translates alike: the next one may be in another line, and stale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private PhysicalAddress TargetOf(uint word, Iova address, out ulong contiguous)
    {
        const ulong offsetMask = (1ul << TegraDescriptor.PageShift) - 1;
        var offset = address.Value & offsetMask;
        contiguous = offsetMask + 1 - offset;
        return new PhysicalAddress(new TegraDescriptor(word).Address(_frameMask) | offset);
    }

    private static uint PageOfSection(uint word, Iova address) =>
        (word & ~(TegraDescriptor.Count - 1u)) | ((uint)(address.Value >> TegraDescriptor.PageShift) & (TegraDescriptor.Count - 1));
}
