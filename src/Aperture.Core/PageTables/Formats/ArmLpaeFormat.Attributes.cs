using System.Runtime.CompilerServices;

namespace Aperture.Core.PageTables.Formats;

/// <content>Rights, memory types and dirty state.</content>
public readonly partial struct ArmLpaeFormat
{
    /// <summary>Of a page that may be written where the hardware keeps track: it was not written yet. A page mapped without counts as
    /// written.</summary>
    public const Protection Clean = (Protection)(1u << 16);

    /// <summary>The value of MAIR: 0 non-cacheable, 1 write-back with allocation, 2 a device (nGnRE), 3 cached outside only.</summary>
    public const ulong Mair = 0xF404_FF44;

    /// <summary>The memory attributes that belong to Mali's tables.</summary>
    public const ulong MaliMemoryAttributes = 0x88_8D88;

    private const ulong DirtyModifier = 1UL << 51;
    private const ulong NoExecute = 3UL << 53;
    private const ulong TableReadOnly = 1UL << 62;      // APTable[1], stage 1
    private const ulong TablePrivileged = 1UL << 61;    // APTable[0], stage 1
    private const ulong TableNoExecute = 3UL << 59;     // XNTable, PXNTable, stage 1
    private const ulong NotGlobal = 1 << 11;
    private const ulong AccessFlag = 1 << 10;
    private const ulong OuterShareable = 2 << 8;
    private const ulong InnerShareable = 3 << 8;
    private const ulong NonSecure = 1 << 5;
    private const ulong ReadOnly = 1 << 7;      // stage 1
    private const ulong Unprivileged = 1 << 6;  // stage 1
    private const ulong Writable = 1 << 7;      // stage 2
    private const ulong Readable = 1 << 6;      // stage 2
    private const int TypeShift = 2;            // of the memory type
    private const ulong DeviceIndex = 2;        // stage 1: index into MAIR
    private const ulong CachedIndex = 1;
    private const ulong DeviceMemory = 1;       // stage 2: MemAttr
    private const ulong NormalMemory = 5;
    private const ulong CachedMemory = 15;

    /// <inheritdoc/>
    public Status CheckProtection(Protection protection) =>
        (protection & Protection.FormatMask & ~(_tracksDirty ? Clean : 0)) == 0 && (protection & Protection.ReadWrite) != 0 ? Status.Ok
            : Status.InvalidArgument;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong MakeLeaf(int level, int pageShift, PhysicalAddress page, Protection protection)
    {
        LeafPattern(level, pageShift, out _, out var entry);
        entry |= PlaceAddress(page.Value) | _leafBits | (_isStage1 ? Stage1(protection) : Stage2(protection));
        return entry | NoExecute * Bit(protection, Protection.NoExecute);
    }

    /// <inheritdoc/>
    public Protection LeafProtection(int level, ulong entry)
    {
        var protection = _isStage1 ? Stage1(entry) : Stage2(entry);
        if (_kind != ArmLpaeKind.Mali && (entry & AccessFlag) == 0)
            protection &= ~Protection.ReadWrite;
        if ((entry & NoExecute) != 0)
            protection |= Protection.NoExecute;
        return protection;
    }

    /// <inheritdoc/>
    /// <remarks>Arm DDI 0487, D8.4: APTable, UXNTable and PXNTable of stage 1 hold for all below; links of stage 2, and Mali's, have no
    /// rights.</remarks>
    public Protection LinkProtection(int level, ulong entry)
    {
        var protection = Protection.ReadWrite;
        if (!_isStage1 || _kind == ArmLpaeKind.Mali)
            return protection;
        if ((entry & TableReadOnly) != 0)
            protection = Protection.Read;
        if ((entry & TablePrivileged) != 0)
            protection |= Protection.Privileged;
        if ((entry & TableNoExecute) != 0)
            protection |= Protection.NoExecute;
        return protection;
    }

    /// <inheritdoc/>
    /// <remarks>The right to write says it, which stage 2 has the other way round than stage 1 (Arm ARM D8.5.3).</remarks>
    public bool IsDirty(int level, ulong entry) =>
        _tracksDirty && (entry & DirtyModifier) != 0 && ((entry & ReadOnly) != 0) != _isStage1;

    /// <inheritdoc/>
    public ulong MakeClean(int level, ulong entry) => IsDirty(level, entry) ? entry ^ ReadOnly : entry;

    /// <inheritdoc/>
    public ulong MakeDirty(int level, ulong entry) => !_tracksDirty || (entry & DirtyModifier) == 0 ? entry
        : _isStage1 ? entry & ~ReadOnly : entry | Writable;

    /// <inheritdoc/>
    public bool IsAccessed(int level, ulong entry) => MakeAccessed(level, entry) == entry;

    /// <inheritdoc/>
    public ulong MakeAccessed(int level, ulong entry) => _kind == ArmLpaeKind.Mali ? entry : entry | AccessFlag;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Stage1(Protection protection)
    {
        var bits = ReadOnly * Bit(~protection, Protection.Write) | Unprivileged * Bit(~protection, Protection.Privileged);
        if (_tracksDirty && (protection & Protection.Write) != 0)
            bits |= (protection & Clean) != 0 ? DirtyModifier | ReadOnly : DirtyModifier;
        return bits | TypeIndex(protection) << TypeShift | Shareability(protection);
    }

    private Protection Stage1(ulong entry)
    {
        var protection = Protection.ReadWrite;
        if ((entry & ReadOnly) != 0)
            protection = _tracksDirty && (entry & DirtyModifier) != 0 ? Protection.ReadWrite | Clean : Protection.Read;
        if ((entry & Unprivileged) == 0)
            protection |= Protection.Privileged;
        if ((entry >> TypeShift & 7) == DeviceIndex)
            protection |= Protection.Mmio;
        if ((entry & InnerShareable) == InnerShareable)
            protection |= Protection.Cache;
        return protection;
    }

    private ulong Stage2(Protection protection)
    {
        ulong bits = 0;
        if ((protection & Protection.Read) != 0)
            bits |= Readable;
        if ((protection & Protection.Write) != 0)
            bits |= !_tracksDirty ? Writable : (protection & Clean) != 0 ? DirtyModifier : DirtyModifier | Writable;
        if (_kind == ArmLpaeKind.Mali)
            return bits | TypeIndex(protection) << TypeShift | OuterShareable;
        var type = (protection & Protection.Mmio) != 0 ? DeviceMemory : (protection & Protection.Cache) != 0 ? CachedMemory : NormalMemory;
        return bits | type << TypeShift | Shareability(protection);
    }

    private Protection Stage2(ulong entry)
    {
        var protection = Protection.None;
        if ((entry & Readable) != 0)
            protection |= Protection.Read;
        if ((entry & Writable) != 0)
            protection |= Protection.Write;
        else if (_tracksDirty && (entry & DirtyModifier) != 0)
            protection |= Protection.Write | Clean;
        var isMali = _kind == ArmLpaeKind.Mali;
        var type = entry >> TypeShift & (isMali ? 7u : 15u);
        if (type == (isMali ? DeviceIndex : DeviceMemory))
            protection |= Protection.Mmio;
        if (isMali ? type == CachedIndex : (entry & InnerShareable) == InnerShareable)
            protection |= Protection.Cache;
        return protection;
    }

    // Without branches: this is done for each page that is mapped.
    private static ulong TypeIndex(Protection protection)
    {
        var device = Bit(protection, Protection.Mmio);
        return DeviceIndex * device | CachedIndex * (Bit(protection, Protection.Cache) & ~device);
    }

    private static ulong Shareability(Protection protection) => OuterShareable
        | (InnerShareable - OuterShareable) * Bit(protection, Protection.Cache);

    /// <summary>1 if a protection has a flag, else 0.</summary>
    private static ulong Bit(Protection protection, Protection flag) => (ulong)((uint)protection / (uint)flag & 1);
}
