namespace Aperture.Core.PageTables;

/// <summary>The state of one table, kept in the metadata word of its first frame, outside the table itself, so that a walker
/// which still reads an unlinked table sees nothing but empty entries.</summary>
/// <remarks>
/// <code>
/// alive: 63 = 1 | 62 link to it not cleaned yet | 61..20 life | 19..0 entries in use (leaves, links, and what a map is about to store)
/// dead:  63 = 0, 62 = 1 | 61 released | 60..56 helpers | 55..52 level | 51..0 frame number + 1 of the next table to free
/// other: not a table
/// </code>
/// The life is a number that no table ever had before. A compare-and-swap from a word that was read as alive can therefore
/// only succeed on the same table in the same place, whatever was freed and allocated again meanwhile.
/// </remarks>
internal readonly struct TableWord(ulong value)
{
    private const ulong AliveBit = 1UL << 63;
    private const ulong DeadBit = 1UL << 62;
    private const ulong UncleanBit = 1UL << 62;
    private const ulong ReleasedBit = 1UL << 61;
    private const ulong HelperUnit = 1UL << 56;
    private const ulong HelperMask = 0x1FUL << 56;
    private const int LevelShift = 52;
    private const ulong NextMask = (1UL << LevelShift) - 1;
    private const int LifeShift = 20;
    private const ulong LifeMask = ((1UL << 42) - 1) << LifeShift;
    private const ulong CountMask = (1UL << LifeShift) - 1;

    private static ulong s_lives; // how many tables were ever started

    /// <summary>The number of the life that began last.</summary>
    public static ulong LastLife => (Volatile.Read(ref s_lives) << LifeShift & LifeMask) >> LifeShift;

    public ulong Value => value;

    public bool IsAlive => (value & AliveBit) != 0;

    /// <summary>Alive, and a walker that does not snoop sees the link to the table.</summary>
    public bool IsReady => value >> 62 == AliveBit >> 62; // and not UncleanBit

    public bool IsDead => (value & (AliveBit | DeadBit)) == DeadBit;

    /// <summary>Entries in use; only while alive.</summary>
    public uint Count => (uint)(value & CountMask);

    /// <summary>Equal only for the same table in the same life.</summary>
    public ulong Life => value & (AliveBit | LifeMask);

    /// <summary>The number of the life: later lives have larger ones.</summary>
    public ulong LifeNumber => (value & LifeMask) >> LifeShift;

    /// <summary>The level of a dead table.</summary>
    public int Level => (int)(value >> LevelShift) & 0xF;

    /// <summary>The table to free after this dead one, as <see cref="InvalidationGather.FreeList"/> counts them.</summary>
    public ulong Next => value & NextMask;

    public bool HasHelpers => (value & HelperMask) != 0;

    public bool IsReleased => (value & ReleasedBit) != 0;

    /// <summary>Whether one more helper can be counted.</summary>
    public bool TakesHelper => (value & HelperMask) != HelperMask;

    /// <summary>A table whose link is yet to be stored and cleaned.</summary>
    public static TableWord Start(uint count) =>
        new(AliveBit | UncleanBit | ((Interlocked.Increment(ref s_lives) << LifeShift) & LifeMask) | count);

    public static TableWord Dead(int level, ulong next) => new(DeadBit | ((ulong)level << LevelShift) | next);

    public TableWord WithCleanLink() => new(value & ~UncleanBit);

    public TableWord Add(uint entries) => new(value + entries);

    public TableWord Remove(uint entries) => new(value - Math.Min(entries, Count));

    public TableWord AddHelper() => new(value + HelperUnit);

    public TableWord RemoveHelper() => new(value - HelperUnit);

    public TableWord Release() => new(value | ReleasedBit);
}
