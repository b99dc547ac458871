using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Core.Threading;

namespace Aperture.Hardware.Translation;

/// <summary>An IOTLB: fixed number of entries, fully or set associative, each with the number of a tag (<see cref="TlbTagTable"/>) and
/// valid for a page of any power-of-two size from 4 KiB, at any 64-bit address. A stale entry stays until it is invalidated or replaced,
/// as in silicon. Two matching entries are a multiple hit, which the owner turns into its fault.</summary>
/// <remarks>
/// <para>Entries are numbered 0 to <see cref="Entries"/>-1: set by set, way by way.</para>
/// <para>Threads: <see cref="TryFind(uint, Iova, out TranslationResult, out ulong, out int)"/> and <see cref="Touch"/> may be called by
/// any number of threads at any time, without a lock. All else belongs to one thread at a time, the one that holds the lock of the owner
/// (asserted in Debug when the cache was told which). An entry says by a sequence number when it is being written; a look-up that meets
/// that finds nothing.</para>
/// </remarks>
[SkipLocalsInit] // what a method does not write it does not read; looking up and filling are too short to clear frames for
public sealed unsafe partial class TranslationCache
{
    private const int SmallestShift = 12;
    private const ulong NoPage = 1;     // no page begins there
    private const ulong SmallestMask = ~((1UL << SmallestShift) - 1);
    private const int Line = 64;

    private readonly ulong[] _block;    // hints and entries, where they do not move
    private readonly byte* _lines;      // the first whole line of the CPU's cache in it
    private readonly ulong[] _pages;    // the pages of all entries side by side, to be searched many at a time
    private readonly ulong[] _masks;    // their masks
    private readonly ulong[]? _used;    // time of last use, for least-recently-used only
    private readonly int[] _next;       // next victim way of each set, for round robin
    private readonly int[] _valid;      // so many ways of each set, from the first on, are known to be valid
    private readonly int _all;          // entries, and their parts behind them
    private readonly int _ways;
    private readonly int _setMask;
    private readonly GatedLock? _guard; // what the thread holds that changes entries
    private int _invalid;               // invalid entries; when there is none, nobody looks for one
    private uint _missedTag;            // what the last look-up did not find, and nothing was written since
    private ulong _missedPage = NoPage;
    private ulong _clock;               // counts uses, for least-recently-used
    private ulong _shiftsUsed;          // bit n: an entry of page size 2^n was written; says which sets may hold an address

    /// <summary>An empty cache.</summary>
    /// <param name="sets">Number of sets, a power of two; 1 for fully associative.</param>
    /// <param name="ways">Entries of a set, at least 1; at most 65536 entries in all.</param>
    /// <param name="policy">Which entry of a full set is replaced.</param>
    /// <param name="guard">The lock under which entries are changed; null where the owner sees to it otherwise.</param>
    /// <param name="hasParts">Whether entries may have parts (<see cref="SetPart"/>); then at most 13107 entries in all.</param>
    public TranslationCache(int sets, int ways, ReplacementPolicy policy, GatedLock? guard = null, bool hasParts = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sets, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(ways, 1);
        var most = hasParts ? (ushort.MaxValue + 1) / (1 + PartsOfEntry) : ushort.MaxValue + 1; // a hint has 16 bits
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)sets * ways, most);
        if (!BitOperations.IsPow2(sets))
            throw new ArgumentOutOfRangeException(nameof(sets), sets, "the number of sets is a power of two");
        Entries = sets * ways;
        _ways = ways;
        _setMask = sets - 1;
        _guard = guard;
        _all = hasParts ? Entries * (1 + PartsOfEntry) : Entries;
        _parts = hasParts ? new byte[Entries] : null;
        _block = GC.AllocateArray<ulong>((HintBytes + (_all * sizeof(Entry)) + Line) / sizeof(ulong), pinned: true);
        var start = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_block));
        _lines = (byte*)((start + Line - 1) & ~(nuint)(Line - 1));
        _pages = new ulong[Entries];
        _masks = new ulong[Entries];
        _used = policy == ReplacementPolicy.LeastRecentlyUsed ? new ulong[Entries] : null;
        _next = new int[sets];
        _valid = new int[sets];
        _invalid = Entries;
        for (var i = 0; i < Entries; i++)
            Clear(i);
        for (var i = Entries; i < _all; i++)
            Table[i].Clear();
    }

    /// <summary>Where hints and entries are, for <see cref="FindEntry"/>: it holds as long as the cache lives.</summary>
    internal nint Lines => (nint)_lines;

    /// <summary>Number of entries.</summary>
    public int Entries { get; }

    /// <summary>Calls of <see cref="Lookup"/> that found one entry.</summary>
    public ulong Hits { get; private set; }

    /// <summary>Calls of <see cref="Lookup"/> that found none.</summary>
    public ulong Misses { get; private set; }

    /// <summary>Entries that invalidations removed.</summary>
    public ulong Invalidations { get; private set; }

    private Span<Entry> Table => new(_lines + HintBytes, _all);

    private Span<uint> HintTable => new(_lines, Hints);

    /// <summary>Whether an entry is valid.</summary>
    public bool IsValid(int index) => Table[index].IsValid;

    /// <summary>The word that the owner keeps with an entry.</summary>
    public ulong Info(int index) => Table[index].Info;

    /// <summary>The other word that the owner keeps with an entry.</summary>
    public ulong More(int index) => Table[index].More;

    /// <summary>The first physical byte of an entry's page.</summary>
    public PhysicalAddress Base(int index) => new(Table[index].Base);

    /// <summary>Log2 of the size of an entry's page.</summary>
    public int PageShift(int index) => BitOperations.TrailingZeroCount(Table[index].Mask);

    /// <summary>The number of an entry's tag; of a global one the bits that it compares.</summary>
    public uint Tag(int index) => Table[index].Tag;

    /// <summary>Whether an entry serves every address space of its virtual machine.</summary>
    public bool IsGlobal(int index) => Table[index].TagMask != uint.MaxValue;

    /// <summary>The first device address of an entry's page.</summary>
    public Iova Page(int index) => new(Table[index].Page);

    /// <summary>Where an entry that matched leads.</summary>
    /// <param name="index">The entry.</param>
    /// <param name="address">An address of its page.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TranslationResult Translate(int index, Iova address) => Table[index].Translate(address);

    /// <summary>Writes one entry, whatever was in it. It may duplicate another entry: that is how multiple hits come about.</summary>
    /// <param name="index">The entry.</param>
    /// <param name="tag">The number of its tag.</param>
    /// <param name="page">The translation.</param>
    public void Set(int index, uint tag, in TlbPage page)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(page.Shift, SmallestShift);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(page.Shift, 63);
        Set(index, tag, page, MayOverlap(tag, page));
    }

    /// <summary>Puts a translation into the set where its address belongs: into an invalid entry if there is one, else over the policy's
    /// victim among the ways from <paramref name="firstWay"/> on, which is below the number of ways.</summary>
    /// <returns>The entry that was written.</returns>
    public int Fill(uint tag, in TlbPage page, int firstWay = 0)
    {
        var index = Victim(SetOf(page.Page, page.Shift), firstWay);
        Set(index, tag, page, MayOverlap(tag, page));
        return index;
    }

    /// <summary>Most often nothing covers the address, and in a page of the smallest size nothing can lie; a global one may meet those of
    /// other address spaces.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool MayOverlap(uint tag, in TlbPage page) => page.IsGlobal
        || (_shiftsUsed & ((1UL << page.Shift) - 1)) != 0
        || ((_missedTag != tag || _missedPage != (page.Page.Value & SmallestMask)) && MayHold(tag, page.Page));

    private void Set(int index, uint tag, in TlbPage page, bool mayOverlap)
    {
        CheckGuard();
        _missedPage = NoPage;
        ref var entry = ref Table[index];
        if (entry.IsValid)
            Detach(index, ref entry);
        else
            _invalid--;
        var mask = ~((1UL << page.Shift) - 1);
        var tagMask = page.IsGlobal ? TlbTag.VmidMask : uint.MaxValue;
        var key = page.Page.Value & mask;
        var compared = tag & tagMask;
        var overlaps = mayOverlap ? CountOverlaps(index, key, mask, compared, tagMask, 1) : 0;

        var state = entry.BeginWrite();
        entry.Page = key;
        entry.Mask = mask;
        entry.Base = page.Target.Value & mask;
        entry.Info = page.Info;
        entry.More = page.More;
        entry.Tag = compared;
        entry.TagMask = tagMask;
        entry.Protection = page.Protection;
        entry.Attributes = page.Attributes;
        entry.EndWrite(state, page.IsWhole, overlaps);

        _pages[index] = key;
        _masks[index] = mask;
        _shiftsUsed |= 1UL << page.Shift;
        Add(key, mask, compared, tagMask);
        if (_used is { } used)
            used[index] = ++_clock;
        if (overlaps == 0)
            Hint(tag, page.Page, index);
    }

    /// <summary>The set where a page of this size belongs: its page number modulo the number of sets.</summary>
    private int SetOf(Iova page, int pageShift) => (int)(page.Value >> pageShift) & _setMask;

    /// <summary>Undoes what a valid entry means for others.</summary>
    private void Detach(int index, ref Entry entry)
    {
        DropParts(index);
        Remove(entry.Page, entry.Tag);
        if (entry.Overlaps != 0)
            CountOverlaps(index, entry.Page, entry.Mask, entry.Tag, entry.TagMask, -1);
    }

    /// <summary>How many valid entries some address has in common with another; those are told of it.</summary>
    /// <param name="index">The entry that is not looked at.</param>
    /// <param name="page">First address of the other.</param>
    /// <param name="mask">Which bits of addresses it compares.</param>
    /// <param name="tag">Its tag.</param>
    /// <param name="tagMask">Which bits of tags it compares.</param>
    /// <param name="change">By how much the counts of those found change.</param>
    private int CountOverlaps(int index, ulong page, ulong mask, uint tag, uint tagMask, int change)
    {
        var count = 0;
        for (var start = 0; start < Entries; start += 64)
        {
            for (var matches = Matches(page, mask, start, Math.Min(start + 64, Entries)); matches != 0; matches &= matches - 1)
            {
                var other = start + BitOperations.TrailingZeroCount(matches);
                ref var entry = ref Table[other];
                if (other == index || !entry.IsValid || ((entry.Tag ^ tag) & entry.TagMask & tagMask) != 0)
                    continue;
                count++;
                DropParts(other);
                var (isWhole, overlaps) = (entry.IsWhole, entry.Overlaps);
                entry.EndWrite(entry.BeginWrite(), isWhole, overlaps + change);
            }
        }

        return count;
    }

    private void Clear(int index)
    {
        Table[index].Clear();
        _pages[index] = Entry.InvalidPage;
        _masks[index] = ulong.MaxValue;
    }

    [Conditional("DEBUG")]
    private void CheckGuard() =>
        Debug.Assert(_guard?.IsHeld != false, "a translation cache is changed or searched without its owner's lock");

    /// <summary>One entry; a line of the CPU's cache.</summary>
    [StructLayout(LayoutKind.Sequential, Size = Line)]
    internal struct Entry
    {
        /// <summary>The page of an invalid entry: with its mask no page's address is like it.</summary>
        public const ulong InvalidPage = 1;

        public ulong Page;                  // first device address
        public ulong Mask;                  // which bits of an address it compares
        public ulong Base;                  // first physical byte
        public ulong Info;                  // whatever the owner keeps
        public ulong More;                  // likewise
        public uint Tag;                    // number of the tag, under its mask
        public uint TagMask;                // which bits of a number it compares
        public ulong State;                 // see below
        public Protection Protection;
        public MemoryAttributes Attributes;

        // In State: a number that changes with each change of the entry, odd while one is going on; whether the page is not whole; and
        // above that how many other valid entries match some address of this one.
        private const ulong WritingBit = 1;
        private const ulong SequenceMask = 0x7FFF_FFFF;
        private const ulong PartialBit = 1UL << 31;
        private const ulong OverlapsMask = ~0UL << OverlapsShift;
        private const int OverlapsShift = 32;

        public readonly bool IsValid
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            get => (Page & InvalidPage) == 0;
        }

        /// <summary>How many other valid entries match some address of this one.</summary>
        public readonly int Overlaps => (int)(State >> OverlapsShift);

        /// <summary>Whether the page translates alike up to its end.</summary>
        public readonly bool IsWhole => (State & PartialBit) == 0;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly TranslationResult Translate(Iova address)
        {
            var offset = address.Value & ~Mask;
            var target = new PhysicalAddress(Base + offset);
            return new TranslationResult(TranslationStatus.Ok, target, ~Mask - offset + 1, Protection, Attributes);
        }

        /// <summary>Whether the entry is of this tag, holds this address, is whole and not being changed, and no other may match.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly bool Is(uint tag, Iova address, ulong state) => ((Page ^ address.Value) & Mask) == 0
            && ((Tag ^ tag) & TagMask) == 0
            && (state & (WritingBit | PartialBit | OverlapsMask)) == 0;

        /// <summary>Makes the entry invalid.</summary>
        public void Clear()
        {
            var state = BeginWrite();
            Page = InvalidPage;
            Mask = ulong.MaxValue;
            Tag = 0;
            TagMask = 0;
            EndWrite(state, isWhole: false, overlaps: 0); // so that no address finds it
        }

        /// <summary>Says that the entry is being changed.</summary>
        /// <returns>What <see cref="EndWrite"/> is given.</returns>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public ulong BeginWrite()
        {
            var state = (State + WritingBit) & SequenceMask;
            Volatile.Write(ref State, state);
            Volatile.WriteBarrier();
            return state;
        }

        /// <summary>Says that it is what it will be.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void EndWrite(ulong begun, bool isWhole, int overlaps) => Volatile.Write(
            ref State,
            ((begun + WritingBit) & SequenceMask) | (isWhole ? 0 : PartialBit) | ((ulong)overlaps << OverlapsShift));
    }
}
