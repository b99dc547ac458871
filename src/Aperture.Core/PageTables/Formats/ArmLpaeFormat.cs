namespace Aperture.Core.PageTables.Formats;

/// <summary>ARM's long-descriptor tables (LPAE, VMSAv8-64): 64-bit descriptors, granules of 4, 16 and 64 KiB, two to four levels, stage 1,
/// stage 2 and Mali's variant. Stage 1: a page that may only be written can also be read.</summary>
/// <remarks>
/// Source: Arm ARM D5; attribute values from recorded library behaviour.
/// <code>
/// link   63 NS | 55 cleaned (software) | 47..granule table | 11
/// leaf 54..53 no execute | 52 contiguous | 51 DBM | 47..12 page | 11 nG | 10 AF | 9..8 shareability | 7..2 attributes | 01 block, 11 page
///        stage 1: 7 read only | 6 unprivileged | 5 NS | 4..2 0 normal, 1 cached, 2 device
///        stage 2: 7 write | 6 read | 5..2 5 normal, 15 cached, 1 device
///        Mali:    7 write | 6 read | 4..2 as stage 1; always outer shareable, without AF and nG; a page is 01, too
/// 64 KiB granule with 52-bit outputs: address bits 51..48 lie in bits 15..12
/// </code>
/// A root of stage 2 that would be a short table of level 0 is instead up to sixteen tables of level 1 side by side. Mali's is a whole
/// table of level 0, of which as many entries are in use as <see cref="InputBits"/> need.
/// </remarks>
public readonly partial struct ArmLpaeFormat : IPageTableFormat
{
    private const ulong AddressMask = 0x0000_FFFF_FFFF_F000;
    private const ulong ContiguousBit = 1UL << 52;
    private const int HighAddressShift = 36; // from bit 48 to bit 12
    private const byte Block = 1;
    private const byte Link = 3;

    private readonly byte _inputBits;
    private readonly byte _outputBits;
    private readonly byte _granule;      // log2 of the bytes of a page and a table
    private readonly byte _levels;
    private readonly byte _rootBits;     // log2 of the entries of the first table
    private readonly byte _pageType;     // of leaves of the last level
    private readonly ArmLpaeKind _kind;
    private readonly bool _isStage1;     // rights and attributes in the manner of stage 1
    private readonly bool _highAddress;  // address bits 51..48 in bits 15..12
    private readonly bool _tracksDirty;
    private readonly bool _coherent;
    private readonly bool _outerWriteBack;
    private readonly ulong _sizes;
    private readonly ulong _contiguous;  // the sizes of several entries
    private readonly ulong _leafBits;    // what every leaf has
    private readonly ulong _linkBits;    // what every link has
    private readonly ulong _start;
    private readonly ulong _shifts;      // per level a byte: log2 of what an entry covers

    /// <inheritdoc/>
    public int EntryBytes => 8;

    /// <inheritdoc/>
    public int Levels => _levels;

    /// <inheritdoc/>
    public int StartLevel => 0;

    /// <inheritdoc/>
    public ulong InputStart => _start;

    /// <inheritdoc/>
    public int InputBits => _inputBits;

    /// <inheritdoc/>
    public int OutputBits => _outputBits;

    /// <inheritdoc/>
    public int TableBits => _outputBits;

    /// <inheritdoc/>
    public ulong PageSizes => _sizes;

    /// <inheritdoc/>
    public TableReclaim Reclaim => TableReclaim.WithRange;

    /// <summary>What uses the tables.</summary>
    public ArmLpaeKind Kind => _kind;

    /// <summary>Whether the hardware keeps track of what was written.</summary>
    public bool TracksDirty => _tracksDirty;

    /// <summary>Whether walks see what is in the CPU's caches.</summary>
    public bool IsCoherent => _coherent;

    private int LevelBits => _granule - 3;

    /// <inheritdoc/>
    public int Shift(int level) => (byte)(_shifts >> (level * 8));

    /// <inheritdoc/>
    public int IndexBits(int level) => level == 0 ? _rootBits : LevelBits;

    /// <inheritdoc/>
    public int TableAlignment(int level) => Math.Max(64, 8 << IndexBits(level));

    /// <inheritdoc/>
    public int LevelOfPage(int pageShift)
    {
        var last = _levels - 1;
        var above = pageShift - _granule - LevelBits;
        return above < 0 ? last : above < LevelBits ? last - 1 : last - 2;
    }

    /// <inheritdoc/>
    public ulong ReplicaStep(int level, int pageShift) => 1UL << Shift(level);

    /// <inheritdoc/>
    public EntryKind Classify(int level, ulong entry)
    {
        var type = (uint)entry & 3;
        if (level == _levels - 1)
            return type == _pageType ? EntryKind.Leaf : EntryKind.Empty;
        if (type == Link)
            return EntryKind.Table;
        return type == Block && (_sizes >> Shift(level) & 1) != 0 ? EntryKind.Leaf : EntryKind.Empty;
    }

    /// <inheritdoc/>
    public ulong EmptyEntry(int level) => 0;

    /// <inheritdoc/>
    public int LeafShift(int level, ulong entry) =>
        Shift(level) + (_contiguous != 0 && (entry & ContiguousBit) != 0 ? ContiguousShift(level) : 0);

    /// <inheritdoc/>
    public void LeafPattern(int level, int pageShift, out ulong mask, out ulong value)
    {
        mask = _contiguous != 0 ? ContiguousBit | 3 : 3;
        value = level == _levels - 1 ? _pageType : Block;
        if (pageShift > Shift(level))
            value |= ContiguousBit;
    }

    /// <inheritdoc/>
    public PhysicalAddress LeafAddress(int level, ulong entry) => new(Address(entry) & (ulong.MaxValue << LeafShift(level, entry)));

    /// <inheritdoc/>
    public PhysicalAddress TableAddress(int level, ulong entry) => new(Address(entry));

    /// <inheritdoc/>
    public ulong MakeTable(int level, PhysicalAddress table) => PlaceAddress(table.Value) | _linkBits;

    private ulong Address(ulong entry) => _highAddress
        ? (entry & AddressMask & ~0xF000UL) | ((entry & 0xF000) << HighAddressShift)
        : entry & AddressMask & (ulong.MaxValue << _granule);

    private ulong PlaceAddress(ulong address) => _highAddress ? (address | address >> HighAddressShift) & AddressMask : address;

    /// <summary>Log2 of the entries of a contiguous page of a level, whose address must be such a page's; 0 where there is none.</summary>
    private int ContiguousShift(int level)
    {
        var sizes = _contiguous >> Shift(level);
        sizes &= (1UL << LevelBits) - 1;
        return sizes == 0 ? 0 : (int)ulong.Log2(sizes);
    }
}
