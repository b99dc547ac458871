using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using Aperture.Core.Memory;
using Aperture.Core.Threading;

namespace Aperture.Core.PageTables;

/// <summary>The one page-table algorithm, compiled once for each format.</summary>
/// <remarks>
/// Any number of threads may map and unmap disjoint ranges at once; nobody waits for anybody. Each table below the root counts its
/// entries in use in a <see cref="TableWord"/>. Whoever stores entries adds them to the count first, so that the table cannot
/// go; whoever takes the count to zero declares the table dead, unlinks it and leaves it to the gather, which gives it back
/// after the invalidation. Calls for the same range at the same time are a fault of the caller: they do no harm to the process,
/// but what is mapped afterwards is undefined.
/// <para>Tables are written and cleaned before they are linked; entries are cleaned once per run. Whoever finds a table whose link was
/// not cleaned yet cleans it, so that what he does in the table is seen when his call returns.</para>
/// </remarks>
public sealed unsafe partial class PageTable<TFormat> : IDisposable
    where TFormat : struct, IPageTableFormat
{
#pragma warning disable IDE0044 // calls on a readonly field of a type parameter's type copy all of it first
    private TFormat _format;
#pragma warning restore IDE0044
    private readonly ITableMemory _tables; // where tables come from and who cleans them
    private readonly PhysicalMemory _memory; // the memory behind _tables
    private readonly bool _needsClean; // whether _tables wants to hear what was written
    private readonly ulong _sizes; // of pages that are used
    private readonly Table _root; // where the format does not grow
    private readonly Home _home; // where most tables are, found without a search
    private ulong _top; // where the format grows: the root's address and, in the low bits, its level
    private ulong _deaths; // tables that were declared dead: what a walk through several tables found is right if none was meanwhile
    private readonly BiasedWords _words = new(); // changes the tables' words
    private bool _disposed; // the root was given back

    /// <summary>Makes an empty table.</summary>
    /// <param name="format">The format.</param>
    /// <param name="memory">Where tables come from.</param>
    /// <param name="pageSizes">The page sizes to use, one bit each: some of the format's, its smallest among them. Zero for all.</param>
    /// <exception cref="ApertureException"><see cref="Status.NoMemory"/>: there is no memory for the root;
    /// <see cref="Status.InvalidArgument"/>: the format does not have these page sizes.</exception>
    public PageTable(TFormat format, ITableMemory memory, ulong pageSizes = 0)
    {
        ArgumentNullException.ThrowIfNull(memory);
        _format = format;
        _sizes = pageSizes == 0 ? format.PageSizes : pageSizes;
        if ((_sizes & ~format.PageSizes) != 0 || (_sizes & SmallestPage) == 0)
        {
            throw new ApertureException(
                Status.InvalidArgument,
                $"a page table of pages 0x{format.PageSizes:x} cannot be narrowed to 0x{pageSizes:x}: it needs some of them, "
                + $"0x{SmallestPage:x} among them");
        }

        _tables = memory;
        _memory = memory.Memory;
        _needsClean = memory.NeedsClean;
        var start = format.StartLevel;
        if (!TryNewTable(start, out _root))
            throw new ApertureException(Status.NoMemory,
                $"no memory for a page table of 0x{TableBytes(start):x} bytes below 2^{format.TableBits}");
        if (Grows)
        {
            Volatile.Write(ref *_root.Word, TableWord.Start(1).WithCleanLink().Value); // the one keeps it alive while it is the root
            _top = _root.Address.Value | (uint)start;
        }

        _home = new Home(_memory, _root.Address, LargestTable());
        _pageLevel = format.LevelOfPage(SmallestShift);
        _number = ((ulong)Interlocked.Increment(ref s_numbers) << 4) | (uint)_pageLevel;
        _pageShift = SmallestShift;
        _pageBytes = SmallestPage;
        format.LeafPattern(_pageLevel, _pageShift, out _leafMask, out _leafValue);
        _inputRoom = LastInput - format.InputStart;
        _outputMask = (_pageBytes - 1) | ~(ulong.MaxValue >> (64 - format.OutputBits));
        _pageEntryShift = format.Shift(_pageLevel);
        _pageEntryMask = (1UL << format.IndexBits(_pageLevel)) - 1;
        if (format.Levels > 2 && _home.Room != 0)
            _spanShift = format.Shift(_pageLevel) + format.IndexBits(_pageLevel);
    }

    /// <summary>The format, with its parameters.</summary>
    public TFormat Format => _format;

    /// <summary>The page sizes in use, one bit each: the format's, or fewer.</summary>
    public ulong PageSizes => _sizes;

    /// <summary>How many bytes of device addresses one table of the smallest pages covers.</summary>
    public ulong SmallestTableSpan => (_pageEntryMask + 1) << _pageEntryShift;

    /// <summary>The address of the first table of a walk. Where the format grows, a map may change it and then says so by
    /// <see cref="InvalidationGather.TablesChanged"/>.</summary>
    public PhysicalAddress Root => Top(out _).Address;

    /// <summary>The root's level, which is not zero only where the format grows.</summary>
    public int RootLevel
    {
        get
        {
            Top(out var level);
            return level;
        }
    }

    /// <summary>Gives every table back. No unit may use them any more.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        if (_memory.IsDisposed)
        {
            _disposed = true; // the tables went with it
            return;
        }

        var root = Top(out var level);
        _disposed = true;
        Volatile.Write(ref *root.Word, 0); // first, as in FreeBelow
        FreeBelow(level, root);
        Discard(root, level);
    }

    private ulong LargestTable()
    {
        var largest = 0;
        for (var level = 0; level < _format.Levels; level++)
            largest = Math.Max(largest, TableBytes(level));
        return (ulong)largest;
    }

    /// <summary>Bytes of the smallest page: a constant where the format's sizes are.</summary>
    private ulong SmallestPage => 1UL << SmallestShift;

    private int SmallestShift => BitOperations.TrailingZeroCount(_format.PageSizes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int TableBytes(int level) => _format.EntryBytes << _format.IndexBits(level);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Index(int level, ulong iova) => (int)(iova >> _format.Shift(level)) & ((1 << _format.IndexBits(level)) - 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* EntryOf(Table table, int level, ulong iova) => table.Bytes + (Index(level, iova) * _format.EntryBytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Load(byte* entry) => EntryRun.Load(entry, _format.EntryBytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Clean(Table table, byte* first, int entries)
    {
        if (_needsClean)
            _tables.Clean(table.Address + (ulong)(first - table.Bytes), entries * _format.EntryBytes);
    }

    /// <summary>Cleans one entry of a table that is at home.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CleanOne(byte* place)
    {
        if (_needsClean)
            _tables.Clean(_home.AddressOf(place), _format.EntryBytes);
    }

    /// <summary>One step in the life of a table, if its word is what it was seen to be.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryChange(ulong* word, TableWord from, TableWord to) => _words.TryStep(ref *word, from.Value, to.Value);

    private ulong LastInput => _format.InputStart | (ulong.MaxValue >> (64 - _format.InputBits));

    /// <summary>Whether a range of device addresses is aligned to the smallest page and within the format's.</summary>
    /// <exception cref="ObjectDisposedException">The memory of the tables was given back.</exception>
    private Status CheckInput(ulong start, ulong size)
    {
        ObjectDisposedException.ThrowIf(_memory.IsDisposed, this);
        return CheckRange(start, size, _format.InputStart, LastInput);
    }

    /// <summary>Where memory that was given back cannot be touched: in Debug. Else a look at it finds nothing, and every way to change
    /// something leads to <see cref="CheckInput"/>.</summary>
    [Conditional("DEBUG")]
    private void CheckMemory() => ObjectDisposedException.ThrowIf(_memory.IsDisposed, this);

    /// <summary>Whether a range of memory is aligned to the smallest page and within the format's.</summary>
    private Status CheckOutput(ulong start, ulong size) =>
        CheckRange(start, size, 0, ulong.MaxValue >> (64 - _format.OutputBits));

    private Status CheckRange(ulong start, ulong size, ulong first, ulong last)
    {
        if (((start | size) & (SmallestPage - 1)) != 0)
            return Status.InvalidArgument;
        if (size != 0 && (start < first || start > last || size - 1 > last - start))
            return Status.OutOfRange;
        return Status.Ok;
    }

    /// <summary>Whether one smallest page at the device address passes <see cref="CheckInput"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsInputPage(ulong iova) => (iova & (_pageBytes - 1)) == 0 && iova - _format.InputStart <= _inputRoom;

    /// <summary>The region of memory where the root is, and nearly always every other table.</summary>
    private readonly struct Home
    {
        public readonly ulong Start;
        public readonly ulong Room; // offsets up to here have room for any table
        public readonly byte* Bytes;
        public readonly ulong* Words;

        public Home(PhysicalMemory memory, PhysicalAddress root, ulong largestTable)
        {
            Start = ulong.MaxValue; // a region without room: no table is found in it
            foreach (var region in memory.Regions)
            {
                if (!region.Contains(root, 1) || !memory.TryGetFrame(region.Start, 1, out Bytes, out Words) || region.Length < largestTable)
                    continue;
                Start = region.Start.Value;
                Room = region.Length - largestTable;
            }
        }

        /// <summary>The metadata of a table.</summary>
        /// <param name="offset">Where it lies in the region: at a frame.</param>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public ulong* WordAt(ulong offset) => (ulong*)((byte*)Words
            + (offset / (PhysicalMemory.FrameSize / (PhysicalMemory.FrameWords * sizeof(ulong)))));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public PhysicalAddress AddressOf(byte* place) => new(Start + (ulong)(place - Bytes));
    }

    /// <summary>One table, and which of its lives was seen.</summary>
    private readonly struct Table(PhysicalAddress address, byte* bytes, ulong* word, ulong life = 0)
    {
        public readonly PhysicalAddress Address = address;
        public readonly byte* Bytes = bytes;
        public readonly ulong* Word = word;
        public readonly ulong Life = life;

        public TableWord State => new(Volatile.Read(ref *Word));

        public Table WithLife(ulong seen) => new(Address, Bytes, Word, seen);
    }
}
