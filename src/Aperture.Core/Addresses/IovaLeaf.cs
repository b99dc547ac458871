using System.Numerics;
using System.Runtime.CompilerServices;

namespace Aperture.Core.Addresses;

/// <summary>A node of 64 words, whose bits are pages: set while they are taken. Beside it a byte for each page says what begins there: a
/// range of so many pages that somebody has, or zero.</summary>
internal sealed class IovaLeaf : IovaNode
{
    /// <summary>The number of pages is 2 to the power of this.</summary>
    public const int PagesShift = 12;

    private Words _words;
    private Ranges _ranges;

    /// <summary>A leaf.</summary>
    /// <param name="isTaken">Whether all of it is taken, or all free.</param>
    public IovaLeaf(bool isTaken)
        : base(1) => Fill(isTaken);

    /// <summary>The cache that small ranges of these pages go back to: of whoever first took one here. Null before that.</summary>
    public IovaCache? Cache { get; set; }

    /// <summary>How many pages the range has that somebody has and that begins at a page; zero for none. Who gives a range back holds
    /// <see cref="Cache"/>, so that only one can.</summary>
    public ref byte Range(ulong page) => ref Unsafe.Add(ref Unsafe.As<Ranges, byte>(ref _ranges), (nint)(page & ((1 << PagesShift) - 1)));

    /// <summary>The first place in a word for a range.</summary>
    /// <param name="word">The word.</param>
    /// <param name="pages">At most 64.</param>
    /// <param name="order">The range starts at a multiple of 2 to the power of this.</param>
    /// <param name="end">Where it must end, from the start of the word.</param>
    /// <param name="page">The place, from the start of the word.</param>
    public bool TryFind(int word, int pages, int order, ulong end, out ulong page)
    {
        var places = IovaOrders.Runs(~_words[word], pages, order);
        page = (ulong)BitOperations.TrailingZeroCount(places);
        return places != 0 && page + (ulong)pages <= end;
    }

    /// <summary>The pages of a word that are free, as a mask.</summary>
    public ulong FreePages(int word) => ~_words[word];

    public override ulong Mark(int part, ulong from, ulong to, bool isTaken)
    {
        var bits = IovaOrders.Bits((int)from, (int)to);
        ref var word = ref _words[part];
        var changed = isTaken ? bits & ~word : bits & word;
        word ^= changed;
        Orders[part] = word == ulong.MaxValue ? (byte)0 : (byte)(1 + IovaOrders.LargestRun(~word));
        return (ulong)BitOperations.PopCount(changed);
    }

    public override bool IsFree(int part, ulong from, ulong to) => (_words[part] & IovaOrders.Bits((int)from, (int)to)) == 0;

    public override void Fill(bool isTaken)
    {
        base.Fill(isTaken);
        ((Span<ulong>)_words).Fill(isTaken ? ulong.MaxValue : 0);
    }

    /// <summary>Free pages that lie in no free block of <see cref="IovaTree.LargeOrder"/>.</summary>
    public ulong Scattered()
    {
        const int Words = 1 << (IovaTree.LargeOrder - 6);
        ulong scattered = 0;
        for (var word = 0; word < 64; word += Words)
        {
            ulong free = 0;
            foreach (var bits in ((ReadOnlySpan<ulong>)_words).Slice(word, Words))
                free += (ulong)BitOperations.PopCount(~bits);
            scattered += free == Words * 64 ? 0 : free;
        }

        return scattered;
    }

    [InlineArray(64)]
    private struct Words
    {
        private ulong _first;
    }

    [InlineArray(1 << PagesShift)]
    private struct Ranges
    {
        private byte _first;
    }
}
