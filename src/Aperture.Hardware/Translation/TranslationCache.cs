using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Aperture.Core;

namespace Aperture.Hardware.Translation;

/// <summary>An IOTLB: fixed number of entries, fully or set associative, each tagged with a context (context bank, ASID,
/// VMID) and valid for a page of any power-of-two size from 4 KiB. A stale entry stays until it is invalidated or replaced,
/// as in silicon. Two matching entries are a multiple hit, which the owner turns into its fault.</summary>
/// <remarks>Entries are numbered 0 to <see cref="Entries"/>-1: set by set, way by way. Not thread-safe.</remarks>
public sealed partial class TranslationCache
{
    private const int ContextShift = 40; // page numbers of addresses of 52 bits lie below
    private const ulong PageNumberMask = (1UL << ContextShift) - 1;
    private const ulong Invalid = ulong.MaxValue; // no key has all bits set: contexts end at 0xFFFFFE

    private readonly ulong[] _tags;     // context and page number under the entry's mask; all ones when invalid
    private readonly ulong[] _masks;    // which bits of a key the entry compares; all ones when invalid
    private readonly ulong[] _bases;    // first physical byte of the page
    private readonly ulong[] _infos;    // whatever the owner keeps with an entry
    private readonly byte[] _shifts;    // log2 of the page size
    private readonly ulong[] _used;     // time of last use, for least-recently-used
    private readonly int[] _next;       // next victim way of each set, for round robin
    private readonly int _ways;
    private readonly int _setMask;
    private readonly ReplacementPolicy _policy;
    private readonly ulong _globalMask; // which bits of a key a global entry compares
    private int _invalid;               // invalid entries; when there is none, nobody looks for one
    private ulong _clock;               // counts uses, for least-recently-used

    /// <summary>An empty cache.</summary>
    /// <param name="sets">Number of sets, a power of two; 1 for fully associative.</param>
    /// <param name="ways">Entries of a set, at least 1.</param>
    /// <param name="policy">Which entry of a full set is replaced.</param>
    /// <param name="globalContextMask">Which bits of a context a global entry compares: those of a VMID, where contexts are VMID and ASID.</param>
    public TranslationCache(int sets, int ways, ReplacementPolicy policy, uint globalContextMask = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sets, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(ways, 1);
        if (!BitOperations.IsPow2(sets))
            throw new ArgumentOutOfRangeException(nameof(sets), sets, "the number of sets is a power of two");
        Entries = sets * ways;
        _ways = ways;
        _setMask = sets - 1;
        _policy = policy;
        _globalMask = PageNumberMask | ((ulong)globalContextMask << ContextShift);
        _tags = new ulong[Entries];
        _masks = new ulong[Entries];
        _bases = new ulong[Entries];
        _infos = new ulong[Entries];
        _shifts = new byte[Entries];
        _used = new ulong[Entries];
        _next = new int[sets];
        _invalid = Entries;
        Array.Fill(_tags, Invalid);
        Array.Fill(_masks, Invalid);
    }

    /// <summary>Number of entries.</summary>
    public int Entries { get; }

    /// <summary>Lookups that found one entry.</summary>
    public ulong Hits { get; private set; }

    /// <summary>Lookups that found none.</summary>
    public ulong Misses { get; private set; }

    /// <summary>Entries that invalidations removed.</summary>
    public ulong Invalidations { get; private set; }

    /// <summary>The physical address of <paramref name="address"/> by an entry that matched, and the bytes left of the page.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public PhysicalAddress Translate(int index, Iova address, out ulong contiguous)
    {
        var offsetMask = (1UL << _shifts[index]) - 1;
        var offset = address.Value & offsetMask;
        contiguous = offsetMask + 1 - offset;
        return new PhysicalAddress(_bases[index] + offset);
    }

    /// <summary>Whether an entry is valid.</summary>
    public bool IsValid(int index) => _tags[index] != Invalid;

    /// <summary>The word that the owner keeps with an entry.</summary>
    public ulong Info(int index) => _infos[index];

    /// <summary>The first physical byte of an entry's page.</summary>
    public PhysicalAddress Base(int index) => new(_bases[index]);

    /// <summary>Log2 of the size of an entry's page.</summary>
    public int PageShift(int index) => _shifts[index];

    /// <summary>The context of an entry; of a global one the bits that it compares.</summary>
    public uint Context(int index) => (uint)(_tags[index] >> ContextShift);

    /// <summary>The first device address of an entry's page.</summary>
    public Iova Page(int index) => new((_tags[index] & PageNumberMask) << 12);

    /// <summary>Writes one entry, whatever was in it. It may duplicate another entry: that is how multiple hits come about.</summary>
    /// <param name="index">The entry.</param>
    /// <param name="context">Context, 0 to 0xFFFFFE.</param>
    /// <param name="page">Any byte of the page.</param>
    /// <param name="pageShift">Log2 of the page size, 12 to 63.</param>
    /// <param name="target">Any byte of the physical page.</param>
    /// <param name="info">A word for the owner.</param>
    /// <param name="isGlobal">Whether the entry matches in every context that is alike in the bits which global entries compare.</param>
    public void Set(int index, uint context, Iova page, int pageShift, PhysicalAddress target, ulong info, bool isGlobal = false)
    {
        Forget();
        if (_tags[index] == Invalid)
            _invalid--;
        else
            Remove(_tags[index]);
        _shiftsUsed |= 1UL << pageShift;
        var mask = ~((1UL << (pageShift - 12)) - 1);
        if (isGlobal)
            mask &= _globalMask;
        _tags[index] = Key(context, page) & mask;
        _masks[index] = mask;
        Add(_tags[index], mask);
        _bases[index] = target.Value & ~((1UL << pageShift) - 1);
        _infos[index] = info;
        _shifts[index] = (byte)pageShift;
        _used[index] = ++_clock;
    }

    /// <summary>Puts a translation into the set where its address belongs: into an invalid entry if there is one, else over the
    /// policy's victim among the ways from <paramref name="firstWay"/> on, which is below the number of ways.</summary>
    /// <returns>The entry that was written.</returns>
    public int Fill(uint context, Iova page, int pageShift, PhysicalAddress target, ulong info, bool isGlobal = false, int firstWay = 0)
    {
        var set = SetOf(page, pageShift);
        var index = Victim(set, firstWay);
        Set(index, context, page, pageShift, target, info, isGlobal);
        return index;
    }

    /// <summary>Removes one entry.</summary>
    /// <returns>Whether it was valid.</returns>
    public bool Invalidate(int index)
    {
        if (_tags[index] == Invalid)
            return false;
        Forget();
        Remove(_tags[index]);
        _invalid++;
        _tags[index] = Invalid;
        _masks[index] = Invalid;
        Invalidations++;
        return true;
    }

    /// <summary>Removes every entry of a context whose page contains <paramref name="address"/>, whatever its size.</summary>
    /// <returns>How many were removed.</returns>
    public int InvalidateAddress(uint context, Iova address)
    {
        var key = Key(context, address);
        if (!MayHold(key))
            return 0;
        var keys = Vector256.Create(key);
        var removed = 0;
        var i = 0;
        for (; i <= Entries - Vector256<ulong>.Count; i += Vector256<ulong>.Count)
        {
            ref var tags = ref MemoryMarshal.GetArrayDataReference(_tags);
            ref var masks = ref MemoryMarshal.GetArrayDataReference(_masks);
            var differs = (keys ^ Vector256.LoadUnsafe(ref tags, (nuint)i)) & Vector256.LoadUnsafe(ref masks, (nuint)i);
            if (Vector256.EqualsAny(differs, Vector256<ulong>.Zero))
                removed += InvalidateMatching(key, i, i + Vector256<ulong>.Count);
        }

        return removed + InvalidateMatching(key, i, Entries);
    }

    private int InvalidateMatching(ulong key, int from, int to)
    {
        var removed = 0;
        for (var i = from; i < to; i++)
        {
            if (((key ^ _tags[i]) & _masks[i]) == 0 && Invalidate(i))
                removed++;
        }

        return removed;
    }

    /// <summary>Removes every entry that <paramref name="match"/> accepts.</summary>
    /// <returns>How many were removed.</returns>
    public int InvalidateWhere(Func<int, bool> match)
    {
        ArgumentNullException.ThrowIfNull(match);
        var removed = 0;
        for (var i = 0; i < Entries; i++)
        {
            if (_tags[i] != Invalid && match(i) && Invalidate(i))
                removed++;
        }

        return removed;
    }

    /// <summary>Removes everything.</summary>
    /// <returns>How many entries were removed.</returns>
    public int InvalidateAll()
    {
        var removed = 0;
        for (var i = 0; i < Entries; i++)
        {
            if (Invalidate(i))
                removed++;
        }

        return removed;
    }

    /// <summary>The set where a page of this size belongs: its page number modulo the number of sets.</summary>
    private int SetOf(Iova page, int pageShift) => (int)(page.Value >> pageShift) & _setMask;

    private int Victim(int set, int firstWay)
    {
        var start = set * _ways;
        for (var way = firstWay; _invalid != 0 && way < _ways; way++)
        {
            if (_tags[start + way] == Invalid)
                return start + way;
        }

        if (_policy == ReplacementPolicy.RoundRobin)
        {
            var way = Math.Max(_next[set], firstWay);
            _next[set] = way + 1 == _ways ? 0 : way + 1;
            return start + way;
        }

        // Times are far below 2^63, so that the cheaper signed comparison gives the same.
        var uses = MemoryMarshal.Cast<ulong, long>(_used.AsSpan(start + firstWay, _ways - firstWay));
        var oldest = long.MaxValue;
        var i = 0;
        if (Vector256.IsHardwareAccelerated && uses.Length >= Vector256<long>.Count)
        {
            var least = Vector256.Create(oldest);
            for (; i + Vector256<long>.Count <= uses.Length; i += Vector256<long>.Count)
                least = Vector256.Min(least, Vector256.Create(uses[i..]));
            oldest = Math.Min(Math.Min(least[0], least[1]), Math.Min(least[2], least[3]));
        }

        for (; i < uses.Length; i++)
            oldest = Math.Min(oldest, uses[i]);
        return start + firstWay + uses.IndexOf(oldest);
    }
}
