namespace Aperture.Core.PageTables.Formats;

/// <content>Rights and memory types.</content>
public readonly partial struct ArmShortFormat
{
    /// <summary>The primary region remap register that belongs to the memory types used: TEX[0],C,B = 1 is a device, 4 and 7 are normal
    /// memory.</summary>
    public const uint Prrr = 0x800B_8204;

    /// <summary>The normal memory remap register that belongs to the memory types used: 4 is non-cacheable, 7 write-back with
    /// allocation.</summary>
    public const uint Nmrr = 0x4000_4000;

    /// <inheritdoc/>
    public Status CheckProtection(Protection protection) =>
        (protection & Protection.FormatMask) == 0 && (protection & Protection.ReadWrite) != 0 ? Status.Ok : Status.InvalidArgument;

    /// <inheritdoc/>
    public bool IsDirty(int level, ulong entry) => false;

    /// <inheritdoc/>
    public ulong MakeClean(int level, ulong entry) => entry;

    /// <inheritdoc/>
    public ulong MakeDirty(int level, ulong entry) => entry;

    /// <inheritdoc/>
    public bool IsAccessed(int level, ulong entry) => MakeAccessed(level, entry) == entry;

    /// <inheritdoc/>
    public ulong MakeAccessed(int level, ulong entry) => _hasRights ? entry | (level == 0 ? AccessFlag << LevelDistance : AccessFlag)
        : entry;

    /// <inheritdoc/>
    /// <remarks>A link can keep privileged fetches away (PXN), and these alone, which <see cref="Protection"/> has no word for.</remarks>
    public Protection LinkProtection(int level, ulong entry) => Protection.ReadWrite;

    /// <inheritdoc/>
    public ulong MakeLeaf(int level, int pageShift, PhysicalAddress page, Protection protection)
    {
        var entry = NonGlobalShared | (_hasRights ? Rights(protection) : 0);
        if (level == 0)
            entry <<= LevelDistance;
        LeafPattern(level, pageShift, out _, out var type);
        entry |= (uint)type | MemoryType(level, pageShift, protection) | (uint)page.Value;
        if (level == 0)
            entry |= _sectionBits;
        if (_mediaTek)
            entry |= PlaceHighBits(page.Value);
        else if (_hasRights && (protection & Protection.NoExecute) != 0)
            entry |= NoExecute(level, pageShift);
        return entry;
    }

    /// <inheritdoc/>
    public Protection LeafProtection(int level, ulong entry)
    {
        var shift = LeafShift(level, entry);
        var protection = Protection.ReadWrite;
        if (_hasRights)
        {
            var rights = (uint)entry >> (level == 0 ? LevelDistance : 0);
            if ((rights & AccessFlag) == 0)
                protection = Protection.None;
            else if ((rights & ReadOnly) != 0)
                protection = Protection.Read;
            if ((rights & Unprivileged) == 0)
                protection |= Protection.Privileged;
            if ((entry & NoExecute(level, shift)) != 0)
                protection |= Protection.NoExecute;
        }

        if ((entry & Normal(level, shift)) == 0)
            protection |= Protection.Mmio;
        if ((entry & Cacheable) != 0)
            protection |= Protection.Cache;
        return protection;
    }

    private static uint Rights(Protection protection)
    {
        var rights = AccessFlag | Unprivileged | ReadOnly;
        if ((protection & Protection.Privileged) != 0)
            rights &= ~Unprivileged;
        if ((protection & Protection.Write) != 0)
            rights &= ~ReadOnly;
        return rights;
    }

    private static uint MemoryType(int level, int pageShift, Protection protection)
    {
        if ((protection & Protection.Mmio) != 0)
            return Bufferable;
        var normal = Normal(level, pageShift);
        return (protection & Protection.Cache) != 0 ? normal | Cacheable | Bufferable : normal;
    }

    /// <summary>TEX = 1.</summary>
    private static uint Normal(int level, int pageShift) => level == 1 && pageShift == 12 ? 1u << 6 : 1u << 12;

    private static uint NoExecute(int level, int pageShift) => level == 0 ? 1u << 4 : pageShift == 16 ? 1u << 15 : 1;
}
