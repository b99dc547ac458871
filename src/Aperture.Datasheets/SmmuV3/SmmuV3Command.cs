namespace Aperture.Datasheets.SmmuV3;

/// <summary>What a command does: its byte 0.</summary>
public enum SmmuV3Opcode : byte
{
    /// <summary>Reads configuration ahead.</summary>
    PrefetchConfig = 0x01,

    /// <summary>Reads translations ahead.</summary>
    PrefetchAddress = 0x02,

    /// <summary>Drops a stream table entry.</summary>
    InvalidateStream = 0x03,

    /// <summary>Drops those of a range of streams; of all (CFGI_ALL) with the largest range.</summary>
    InvalidateStreams = 0x04,

    /// <summary>Drops a context descriptor.</summary>
    InvalidateContext = 0x05,

    /// <summary>Drops all context descriptors of a stream.</summary>
    InvalidateContexts = 0x06,

    /// <summary>TLBI_NH_ALL: stage 1 of a virtual machine.</summary>
    TlbAll = 0x10,

    /// <summary>TLBI_NH_ASID: an address space.</summary>
    TlbAsid = 0x11,

    /// <summary>TLBI_NH_VA: addresses of an address space.</summary>
    TlbAddress = 0x12,

    /// <summary>TLBI_NH_VAA: addresses in every address space.</summary>
    TlbAddressOfAll = 0x13,

    /// <summary>TLBI_EL2_ALL: the hypervisor's regime.</summary>
    TlbHypervisorAll = 0x20,

    /// <summary>TLBI_EL2_ASID.</summary>
    TlbHypervisorAsid = 0x21,

    /// <summary>TLBI_EL2_VA.</summary>
    TlbHypervisorAddress = 0x22,

    /// <summary>TLBI_EL2_VAA.</summary>
    TlbHypervisorAddressOfAll = 0x23,

    /// <summary>TLBI_S12_VMALL: both stages of a virtual machine.</summary>
    TlbVirtualMachine = 0x28,

    /// <summary>TLBI_S2_IPA: stage 2 of intermediate addresses.</summary>
    TlbIntermediate = 0x2A,

    /// <summary>TLBI_NSNH_ALL: everything but the hypervisor's regime.</summary>
    TlbNonSecureAll = 0x30,

    /// <summary>ATC_INV: a device drops translations that it was given.</summary>
    AtcInvalidate = 0x40,

    /// <summary>PRI_RESP: answers a group of page requests.</summary>
    PageResponse = 0x41,

    /// <summary>RESUME: an access that is stalled.</summary>
    Resume = 0x44,

    /// <summary>STALL_TERM: ends all that is stalled of a stream.</summary>
    TerminateStalled = 0x45,

    /// <summary>SYNC: everything before it is done.</summary>
    Sync = 0x46,
}

/// <summary>A command: two words of 64 bits. Source: IHI 0070, 4.</summary>
/// <remarks><code>
/// Low   63 32 SID (CFGI, ATC, PRI, RESUME, PREFETCH) | 31 12 SSID | 11 SSV | 10 SSEC | 9 G (ATC) | 7 0 opcode
///       63 48 ASID | 47 32 VMID | 24 20 SCALE | 16 12 NUM (TLBI)
///       63 32 MSIDATA | 27 24 MSIATTR | 23 22 MSH | 13 12 CS (SYNC); 13 AB | 12 AC (RESUME)
/// High  63 12 address | 11 10 TG | 9 8 TTL | 0 LEAF (TLBI); 0 LEAF (CFGI); 4 0 RANGE (CFGI_STE_RANGE); 63 12 address | 5 0 SIZE (ATC)
///       13 12 RESP | 8 0 PRGINDEX (PRI); 15 0 STAG (RESUME); 51 2 MSIADDR (SYNC)
/// </code></remarks>
/// <param name="Low">The first word.</param>
/// <param name="High">The second.</param>
public readonly record struct SmmuV3Command(ulong Low, ulong High)
{
    /// <summary>Bytes of a command.</summary>
    public const int Bytes = 16;

    /// <summary>The range of <see cref="SmmuV3Opcode.InvalidateStreams"/> that means all.</summary>
    public const uint AllStreams = 31;

    /// <summary>The size of <see cref="SmmuV3Opcode.AtcInvalidate"/> that means every address, log2 of pages of 4 KiB.</summary>
    public const int AtcAll = 52;

    private const ulong PageMask = ~0xFFFUL;
    private const ulong SubstreamValidBit = 1 << 11;

    /// <summary>The opcode, which may be none of those that there are.</summary>
    public SmmuV3Opcode Opcode => (SmmuV3Opcode)Low;

    /// <summary>SID.</summary>
    public uint Stream => (uint)(Low >> 32);

    /// <summary>SSID; null where SSV is 0.</summary>
    public uint? Substream => (Low & SubstreamValidBit) != 0 ? SubstreamField : null;

    /// <summary>SSID, whatever SSV says.</summary>
    public uint SubstreamField => (uint)(Low >> 12) & 0xF_FFFF;

    /// <summary>G of ATC_INV: every substream.</summary>
    public bool IsGlobal => (Low & 1 << 9) != 0;

    /// <summary>VMID.</summary>
    public uint Vmid => (uint)(Low >> 32) & 0xFFFF;

    /// <summary>ASID.</summary>
    public uint Asid => (uint)(Low >> 48);

    /// <summary>LEAF: only what leads to pages, not to tables or contexts.</summary>
    public bool IsLeafOnly => (High & 1) != 0;

    /// <summary>RANGE of CFGI_STE_RANGE: 2^(n+1) streams.</summary>
    public uint StreamRange => (uint)High & 0x1F;

    /// <summary>The address of a TLBI or ATC_INV.</summary>
    public ulong Address => High & PageMask;

    /// <summary>TG of a TLBI: 0 one page, whose size nobody says; else the granule of the range, 1 4 KiB, 2 16 KiB, 3 64 KiB.</summary>
    public uint Granule => (uint)(High >> 10) & 3;

    /// <summary>TTL of a TLBI: the level of the leaves; 0 any.</summary>
    public uint Level => (uint)(High >> 8) & 3;

    /// <summary>Pages of a TLBI that names a range: (NUM+1) * 2^SCALE.</summary>
    public ulong Pages => ((Low >> 12 & 0x1F) + 1) << (int)(Low >> 20 & 0x1F);

    /// <summary>SIZE of ATC_INV: log2 of pages of 4 KiB.</summary>
    public int AtcSize => (int)(High & 0x3F);

    /// <summary>RESP of PRI_RESP: 0 deny, 1 failure, 2 success.</summary>
    public uint Response => (uint)(High >> 12) & 3;

    /// <summary>PRGINDEX of PRI_RESP.</summary>
    public uint PageRequestGroup => (uint)High & 0x1FF;

    /// <summary>STAG of RESUME.</summary>
    public uint StallTag => (uint)High & 0xFFFF;

    /// <summary>AC of RESUME: the access is tried again.</summary>
    public bool Retries => (Low & 1 << 12) != 0;

    /// <summary>AB of RESUME: what is not tried again is aborted, not read as zero.</summary>
    public bool Aborts => (Low & 1 << 13) != 0;

    /// <summary>CS of SYNC: 0 nothing, 1 an interrupt, 2 an event for processors.</summary>
    public uint Completion => (uint)(Low >> 12) & 3;

    /// <summary>MSIADDR of SYNC; 0 for the wire.</summary>
    public ulong MessageAddress => High & 0x000F_FFFF_FFFF_FFFC;

    /// <summary>MSIDATA of SYNC.</summary>
    public uint MessageData => (uint)(Low >> 32);

    /// <summary>CFGI_STE.</summary>
    public static SmmuV3Command DropStream(uint stream, bool leafOnly = false) =>
        new((ulong)stream << 32 | (byte)SmmuV3Opcode.InvalidateStream, leafOnly ? 1u : 0);

    /// <summary>CFGI_ALL.</summary>
    public static SmmuV3Command DropStreams() => new((byte)SmmuV3Opcode.InvalidateStreams, AllStreams);

    /// <summary>CFGI_CD.</summary>
    public static SmmuV3Command DropContext(uint stream, uint substream, bool leafOnly = false) => new(
        (ulong)stream << 32 | substream << 12 | SubstreamValidBit | (byte)SmmuV3Opcode.InvalidateContext, leafOnly ? 1u : 0);

    /// <summary>CFGI_CD_ALL.</summary>
    public static SmmuV3Command DropContexts(uint stream) => new((ulong)stream << 32 | (byte)SmmuV3Opcode.InvalidateContexts, 0);

    /// <summary>A TLBI that names no addresses.</summary>
    /// <param name="opcode">Which.</param>
    /// <param name="vmid">VMID, where it has one.</param>
    /// <param name="asid">ASID, where it has one.</param>
    public static SmmuV3Command Tlb(SmmuV3Opcode opcode, uint vmid = 0, uint asid = 0) =>
        new((ulong)asid << 48 | (ulong)vmid << 32 | (byte)opcode, 0);

    /// <summary>A TLBI of one page, whatever its size.</summary>
    /// <param name="opcode">Which.</param>
    /// <param name="vmid">VMID.</param>
    /// <param name="asid">ASID, where it has one.</param>
    /// <param name="address">An address of the page.</param>
    /// <param name="leafOnly">LEAF.</param>
    public static SmmuV3Command TlbPage(SmmuV3Opcode opcode, uint vmid, uint asid, ulong address, bool leafOnly) =>
        new((ulong)asid << 48 | (ulong)vmid << 32 | (byte)opcode, (address & PageMask) | (leafOnly ? 1u : 0));

    /// <summary>A TLBI of a range, where the unit has those.</summary>
    /// <param name="opcode">Which.</param>
    /// <param name="vmid">VMID.</param>
    /// <param name="asid">ASID, where it has one.</param>
    /// <param name="address">The first address, a multiple of a page.</param>
    /// <param name="leafOnly">LEAF.</param>
    /// <param name="granule">1 4 KiB, 2 16 KiB, 3 64 KiB.</param>
    /// <param name="level">TTL, 0 for any.</param>
    /// <param name="number">1 to 32.</param>
    /// <param name="scale">0 to 31: <paramref name="number"/> * 2^scale pages.</param>
    public static SmmuV3Command TlbRange(SmmuV3Opcode opcode, uint vmid, uint asid, ulong address, bool leafOnly, uint granule, uint level,
        int number, int scale) => new(
            (ulong)asid << 48 | (ulong)vmid << 32 | (ulong)scale << 20 | (ulong)(number - 1) << 12 | (byte)opcode,
            (address & PageMask) | granule << 10 | level << 8 | (leafOnly ? 1u : 0));

    /// <summary>The same for another virtual machine: VMID.</summary>
    public SmmuV3Command WithMachine(uint vmid) => this with { Low = (Low & ~(0xFFFFUL << 32)) | (ulong)vmid << 32 };

    /// <summary>The same for another stream: SID.</summary>
    public SmmuV3Command WithStream(uint stream) => this with { Low = (uint)Low | (ulong)stream << 32 };

    /// <summary>ATC_INV.</summary>
    /// <param name="stream">SID.</param>
    /// <param name="substream">SSID, or null for none.</param>
    /// <param name="address">A multiple of the size.</param>
    /// <param name="size">Log2 of pages of 4 KiB, or <see cref="AtcAll"/>.</param>
    public static SmmuV3Command DropAtc(uint stream, uint? substream, ulong address, int size) => new(
        (ulong)stream << 32 | (substream is { } ssid ? ssid << 12 | SubstreamValidBit : 0) | (byte)SmmuV3Opcode.AtcInvalidate,
        (address & PageMask) | (uint)size);

    /// <summary>PRI_RESP.</summary>
    /// <param name="stream">SID.</param>
    /// <param name="substream">SSID, or null for none.</param>
    /// <param name="group">PRGINDEX.</param>
    /// <param name="response">0 deny, 1 failure, 2 success.</param>
    public static SmmuV3Command Respond(uint stream, uint? substream, uint group, uint response) => new(
        (ulong)stream << 32 | (substream is { } ssid ? ssid << 12 | SubstreamValidBit : 0) | (byte)SmmuV3Opcode.PageResponse,
        response << 12 | group);

    /// <summary>RESUME.</summary>
    /// <param name="stream">SID.</param>
    /// <param name="tag">STAG of the event.</param>
    /// <param name="retries">Whether the access is tried again; else it is aborted.</param>
    public static SmmuV3Command ResumeAccess(uint stream, uint tag, bool retries) =>
        new((ulong)stream << 32 | (retries ? 1u << 12 : 1u << 13) | (byte)SmmuV3Opcode.Resume, tag);

    /// <summary>SYNC that only the consumer index tells of.</summary>
    public static SmmuV3Command Synchronise() => new((byte)SmmuV3Opcode.Sync, 0);

    /// <summary>SYNC that writes a word when it is done.</summary>
    /// <param name="address">Where, a multiple of 4.</param>
    /// <param name="data">The word.</param>
    public static SmmuV3Command SynchroniseBy(ulong address, uint data) => new(
        (ulong)data << 32 | 0xFUL << 24 | 3UL << 22 | 1UL << 12 | (byte)SmmuV3Opcode.Sync, address);
}
