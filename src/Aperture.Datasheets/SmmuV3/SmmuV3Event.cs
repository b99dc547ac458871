namespace Aperture.Datasheets.SmmuV3;

/// <summary>What an event record tells.</summary>
public enum SmmuV3EventId : byte
{
    /// <summary>F_UUT: an upstream transaction that the unit does not know.</summary>
    Unsupported = 0x01,

    /// <summary>C_BAD_STREAMID: the stream table does not have the stream.</summary>
    BadStream = 0x02,

    /// <summary>F_STE_FETCH: the stream table could not be read.</summary>
    StreamFetch = 0x03,

    /// <summary>C_BAD_STE: the entry is invalid.</summary>
    BadStreamEntry = 0x04,

    /// <summary>F_BAD_ATS_TREQ: a translation request of a stream that may not.</summary>
    BadTranslationRequest = 0x05,

    /// <summary>F_STREAM_DISABLED: an access without a substream, or by substream 0, that the entry refuses.</summary>
    StreamDisabled = 0x06,

    /// <summary>F_TRANSL_FORBIDDEN: a translated access of a stream that may not.</summary>
    TranslatedForbidden = 0x07,

    /// <summary>C_BAD_SUBSTREAMID: the stream does not have the substream.</summary>
    BadSubstream = 0x08,

    /// <summary>F_CD_FETCH: a context descriptor could not be read.</summary>
    ContextFetch = 0x09,

    /// <summary>C_BAD_CD: the context descriptor is invalid.</summary>
    BadContext = 0x0A,

    /// <summary>F_WALK_EABT: a table could not be read.</summary>
    WalkAbort = 0x0B,

    /// <summary>F_TRANSLATION: nothing is mapped.</summary>
    Translation = 0x10,

    /// <summary>F_ADDR_SIZE: an address has more bits than there are.</summary>
    AddressSize = 0x11,

    /// <summary>F_ACCESS: the access flag is clear.</summary>
    AccessFlag = 0x12,

    /// <summary>F_PERMISSION.</summary>
    Permission = 0x13,

    /// <summary>F_TLB_CONFLICT.</summary>
    TlbConflict = 0x20,

    /// <summary>F_CFG_CONFLICT.</summary>
    ConfigConflict = 0x21,

    /// <summary>E_PAGE_REQUEST: a hint that a page will be wanted.</summary>
    PageRequest = 0x24,
}

/// <summary>What the unit was doing when a fault came: CLASS of an event.</summary>
public enum SmmuV3EventClass
{
    /// <summary>It read a context descriptor.</summary>
    Context = 0,

    /// <summary>It read a table of stage 1.</summary>
    Table = 1,

    /// <summary>It translated the address of the access.</summary>
    Input = 2,
}

/// <summary>An event record: four words of 64 bits. Source: IHI 0070, 7.3.</summary>
/// <remarks><code>
/// 0: 63 32 SID | 31 12 SSID | 11 SSV | 7 0 ID
/// 1: 41 40 CLASS | 39 S2 | 35 RnW | 34 InD | 33 PnU | 31 STALL | 15 0 STAG
/// 2: the address of the access   3: 51 3 where a structure was read, or the intermediate address
/// </code></remarks>
/// <param name="Word0">The first word.</param>
/// <param name="Word1">The second.</param>
/// <param name="Word2">The third.</param>
/// <param name="Word3">The fourth.</param>
public readonly record struct SmmuV3Event(ulong Word0, ulong Word1, ulong Word2, ulong Word3)
{
    /// <summary>Bytes of a record.</summary>
    public const int Bytes = 32;

    private const ulong SubstreamValidBit = 1 << 11;
    private const ulong StallBit = 1UL << 31;

    /// <summary>The record of an event.</summary>
    /// <param name="id">What it tells.</param>
    /// <param name="stream">SID.</param>
    /// <param name="substream">SSID, or null for none.</param>
    public static SmmuV3Event Of(SmmuV3EventId id, uint stream, uint? substream) => new(
        (ulong)stream << 32 | (substream is { } ssid ? ssid << 12 | SubstreamValidBit : 0) | (byte)id, 0, 0, 0);

    /// <summary>The same, with the address of the access and what it wanted.</summary>
    public SmmuV3Event WithAccess(ulong address, bool isWrite, bool isFetch, bool isPrivileged) => this with
    {
        Word1 = Word1 | (isWrite ? 0 : 1UL << 35) | (isFetch ? 1UL << 34 : 0) | (isPrivileged ? 1UL << 33 : 0),
        Word2 = address,
    };

    /// <summary>The same, with stage and class; an address of stage 2 goes with it.</summary>
    public SmmuV3Event WithStage(bool isStage2, SmmuV3EventClass kind, ulong intermediate = 0) => this with
    {
        Word1 = Word1 | (isStage2 ? 1UL << 39 : 0) | (ulong)kind << 40,
        Word3 = isStage2 ? intermediate & 0x000F_FFFF_FFFF_F000 : Word3,
    };

    /// <summary>The same, with the address of a structure that could not be read.</summary>
    public SmmuV3Event WithFetch(ulong address) => this with { Word3 = address & 0x000F_FFFF_FFFF_FFF8 };

    /// <summary>The same, of an access that is stalled.</summary>
    /// <param name="tag">STAG, by which it is resumed.</param>
    public SmmuV3Event WithStall(uint tag) => this with { Word1 = Word1 | StallBit | tag };

    /// <summary>What it tells.</summary>
    public SmmuV3EventId Id => (SmmuV3EventId)Word0;

    /// <summary>SID.</summary>
    public uint Stream => (uint)(Word0 >> 32);

    /// <summary>SSID; null for none.</summary>
    public uint? Substream => (Word0 & SubstreamValidBit) != 0 ? (uint)(Word0 >> 12) & 0xF_FFFF : null;

    /// <summary>Whether the access is stalled until <see cref="SmmuV3Opcode.Resume"/>.</summary>
    public bool IsStalled => (Word1 & StallBit) != 0;

    /// <summary>STAG.</summary>
    public uint StallTag => (uint)Word1 & 0xFFFF;

    /// <summary>Whether the access reads.</summary>
    public bool IsRead => (Word1 & 1UL << 35) != 0;

    /// <summary>Whether it fetches instructions.</summary>
    public bool IsFetch => (Word1 & 1UL << 34) != 0;

    /// <summary>Whether it is privileged.</summary>
    public bool IsPrivileged => (Word1 & 1UL << 33) != 0;

    /// <summary>Whether stage 2 faulted.</summary>
    public bool IsStage2 => (Word1 & 1UL << 39) != 0;

    /// <summary>CLASS.</summary>
    public SmmuV3EventClass Class => (SmmuV3EventClass)(Word1 >> 40 & 3);

    /// <summary>The address of the access.</summary>
    public ulong Address => Word2;

    /// <summary>Where a structure was read, or the page of the intermediate address.</summary>
    public ulong Fetched => Word3;

    /// <summary>Whether it is a fault of a translation, which a handler may mend.</summary>
    public bool IsTranslationFault => Id is >= SmmuV3EventId.Translation and <= SmmuV3EventId.Permission;
}

/// <summary>A record of the page request queue: two words of 64 bits.</summary>
/// <remarks><code>
/// 0: 63 SSID_V | 62 LAST | 61 W | 60 R | 59 X | 58 PRIV | 51 32 SSID | 31 0 SID
/// 1: 63 12 page | 8 0 PRGINDEX
/// </code></remarks>
/// <param name="Word0">The first word.</param>
/// <param name="Word1">The second.</param>
public readonly record struct SmmuV3PageRequest(ulong Word0, ulong Word1)
{
    /// <summary>Bytes of a record.</summary>
    public const int Bytes = 16;

    /// <summary>The record of a request.</summary>
    /// <param name="stream">SID.</param>
    /// <param name="substream">SSID, or null for none.</param>
    /// <param name="page">An address of the page.</param>
    /// <param name="group">PRGINDEX, 0 to 511.</param>
    /// <param name="isRead">Whether it will be read.</param>
    /// <param name="isWritten">Whether it will be written.</param>
    /// <param name="isLast">Whether it ends its group.</param>
    /// <param name="isPrivileged">Whether the access is privileged.</param>
    /// <param name="isFetch">Whether it fetches instructions.</param>
    public static SmmuV3PageRequest Of(uint stream, uint? substream, ulong page, uint group, bool isRead, bool isWritten, bool isLast,
        bool isPrivileged = false, bool isFetch = false) => new(
            stream | (substream is { } ssid ? (ulong)ssid << 32 | 1UL << 63 : 0) | (isLast ? 1UL << 62 : 0) | (isWritten ? 1UL << 61 : 0)
                | (isRead ? 1UL << 60 : 0) | (isFetch ? 1UL << 59 : 0) | (isPrivileged ? 1UL << 58 : 0),
            (page & ~0xFFFUL) | group);

    /// <summary>SID.</summary>
    public uint Stream => (uint)Word0;

    /// <summary>SSID; null for none.</summary>
    public uint? Substream => Word0 >> 63 != 0 ? (uint)(Word0 >> 32) & 0xF_FFFF : null;

    /// <summary>The first address of the page.</summary>
    public ulong Page => Word1 & ~0xFFFUL;

    /// <summary>PRGINDEX.</summary>
    public uint Group => (uint)Word1 & 0x1FF;

    /// <summary>Whether the page will be read.</summary>
    public bool IsRead => (Word0 >> 60 & 1) != 0;

    /// <summary>Whether the page will be written.</summary>
    public bool IsWritten => (Word0 >> 61 & 1) != 0;

    /// <summary>Whether instructions will be fetched.</summary>
    public bool IsFetch => (Word0 >> 59 & 1) != 0;

    /// <summary>Whether the access is privileged.</summary>
    public bool IsPrivileged => (Word0 >> 58 & 1) != 0;

    /// <summary>Whether it ends its group.</summary>
    public bool IsLast => (Word0 >> 62 & 1) != 0;
}
