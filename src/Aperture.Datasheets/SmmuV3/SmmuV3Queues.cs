namespace Aperture.Datasheets.SmmuV3;

/// <summary>The base register of a queue.</summary>
/// <remarks><code>
/// 62 | 51     5 | 4      0 |
/// RA | ADDRESS  | LOG2SIZE |
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct SmmuV3QueueBase(ulong Value)
{
    private const ulong AddressMask = 0x000F_FFFF_FFFF_FFE0;

    /// <summary>Bit 62: a hint that reads (command queue) or writes may allocate in caches.</summary>
    public const ulong AllocateHint = 1UL << 62;

    /// <summary>The register of a queue.</summary>
    /// <param name="address">A multiple of its bytes.</param>
    /// <param name="entriesLog2">Log2 of the number of entries, 0 to 19.</param>
    public static SmmuV3QueueBase Of(ulong address, int entriesLog2) => new(address | AllocateHint | (uint)entriesLog2);

    /// <summary>LOG2SIZE, as written.</summary>
    public int EntriesLog2 => (int)(Value & 0x1F);

    /// <summary>Where the queue lies, whose size makes further low bits zero.</summary>
    public ulong Address => Value & AddressMask;
}

/// <summary>Producer and consumer of a queue of 2^n entries: an index of n bits and above it a bit that changes with every round, so that
/// full and empty differ.</summary>
/// <param name="EntriesLog2">n.</param>
public readonly record struct SmmuV3Ring(int EntriesLog2)
{
    /// <summary>Bit 31 of a producer: entries were lost, unless the consumer's is alike.</summary>
    public const uint OverflowBit = 1u << 31;

    private uint Mask => (2u << EntriesLog2) - 1;

    /// <summary>Number of entries.</summary>
    public uint Entries => 1u << EntriesLog2;

    /// <summary>The place in the queue that a register names.</summary>
    public uint IndexOf(uint register) => register & (Entries - 1);

    /// <summary>Index and round of a register, without anything else.</summary>
    public uint PlaceOf(uint register) => register & Mask;

    /// <summary>Whether nothing is between consumer and producer.</summary>
    public bool IsEmpty(uint producer, uint consumer) => ((producer ^ consumer) & Mask) == 0;

    /// <summary>Whether the producer is a whole round ahead.</summary>
    public bool IsFull(uint producer, uint consumer) => ((producer ^ consumer) & Mask) == Entries;

    /// <summary>How many entries are between consumer and producer.</summary>
    public uint Count(uint producer, uint consumer) => (producer - consumer) & Mask;

    /// <summary>The place behind one, or some places further.</summary>
    public uint Next(uint register, uint by = 1) => (register + by) & Mask;
}

/// <summary>SMMU_STRTAB_BASE_CFG.</summary>
/// <param name="Value">The register.</param>
public readonly record struct SmmuV3StreamTableConfig(uint Value)
{
    /// <summary>The register of a table that is one array.</summary>
    /// <param name="streamBits">Bits of a stream, 0 to 32.</param>
    public static SmmuV3StreamTableConfig Linear(int streamBits) => new((uint)streamBits);

    /// <summary>The register of a table of two levels.</summary>
    /// <param name="streamBits">Bits of a stream.</param>
    /// <param name="split">How many of them index the second level: 6, 8 or 10.</param>
    public static SmmuV3StreamTableConfig TwoLevel(int streamBits, int split) => new((1u << 16) | ((uint)split << 6) | (uint)streamBits);

    /// <summary>FMT: 0 one array, 1 two levels.</summary>
    public uint Format => Value >> 16 & 3;

    /// <summary>SPLIT.</summary>
    public int Split => (int)(Value >> 6 & 0x1F);

    /// <summary>LOG2SIZE: bits of a stream.</summary>
    public int StreamBits => (int)(Value & 0x3F);
}

/// <summary>An entry of the first level of a stream table of two levels.</summary>
/// <remarks><code>
/// 51  6 | 4  0 |
/// L2PTR | SPAN |
/// </code></remarks>
/// <param name="Value">The entry.</param>
public readonly record struct SmmuV3StreamDirectoryEntry(ulong Value)
{
    /// <summary>Bytes of an entry.</summary>
    public const int Bytes = 8;

    /// <summary>The entry that leads to a table.</summary>
    /// <param name="table">Its address, a multiple of its bytes.</param>
    /// <param name="span">Log2 of its entries, plus one.</param>
    public static SmmuV3StreamDirectoryEntry Of(ulong table, int span) => new(table | (uint)span);

    /// <summary>Log2 of the entries of the table, plus one; 0: there is none.</summary>
    public int Span => (int)(Value & 0x1F);

    /// <summary>Where the table lies.</summary>
    public ulong Table => Value & 0x000F_FFFF_FFFF_FFC0;
}

/// <summary>An entry of the first level of a table of context descriptors.</summary>
/// <remarks><code>
/// 51 12 | 0 |
/// L2PTR | V |
/// </code></remarks>
/// <param name="Value">The entry.</param>
public readonly record struct SmmuV3ContextDirectoryEntry(ulong Value)
{
    /// <summary>Bytes of an entry.</summary>
    public const int Bytes = 8;

    /// <summary>The entry that leads to a table.</summary>
    public static SmmuV3ContextDirectoryEntry Of(ulong table) => new(table | 1);

    /// <summary>Whether it leads to a table.</summary>
    public bool IsValid => (Value & 1) != 0;

    /// <summary>Where the table lies.</summary>
    public ulong Table => Value & 0x000F_FFFF_FFFF_F000;
}
