namespace Aperture.Datasheets.SmmuV3;

/// <summary>SMMU_IDR0.</summary>
/// <param name="Value">The register.</param>
public readonly record struct SmmuV3Features(uint Value)
{
    /// <summary>Bit 0, S2P: stage 2.</summary>
    public const uint Stage2 = 1 << 0;

    /// <summary>Bit 1, S1P: stage 1.</summary>
    public const uint Stage1 = 1 << 1;

    /// <summary>Bits 3:2, TTF, at 2: tables of VMSAv8-64.</summary>
    public const uint Tables64 = 2 << 2;

    /// <summary>Bit 4, COHACC: tables and queues are read coherently.</summary>
    public const uint Coherent = 1 << 4;

    /// <summary>Bits 7:6, HTTU: 1 the access flag, 2 dirty state as well.</summary>
    public const int UpdatesShift = 6;

    /// <summary>Bit 9, HYP: the hypervisor's regime.</summary>
    public const uint Hypervisor = 1 << 9;

    /// <summary>Bit 10, ATS.</summary>
    public const uint Ats = 1 << 10;

    /// <summary>Bit 12, ASID16: address space numbers of 16 bits, else 8.</summary>
    public const uint Asid16 = 1 << 12;

    /// <summary>Bit 13, MSI: the unit's interrupts can be messages.</summary>
    public const uint Messages = 1 << 13;

    /// <summary>Bit 14, SEV: the unit wakes processors.</summary>
    public const uint SendEvent = 1 << 14;

    /// <summary>Bit 16, PRI.</summary>
    public const uint PageRequests = 1 << 16;

    /// <summary>Bit 18, VMID16: virtual machine numbers of 16 bits, else 8.</summary>
    public const uint Vmid16 = 1 << 18;

    /// <summary>Bit 19, CD2L: context descriptor tables of two levels.</summary>
    public const uint TwoLevelContexts = 1 << 19;

    /// <summary>Bits 22:21, TTENDIAN, at 2: tables are little endian.</summary>
    public const uint LittleEndianTables = 2 << 21;

    /// <summary>Bits 25:24, STALL_MODEL: 0 streams may stall, 1 none can, 2 all do.</summary>
    public const int StallModelShift = 24;

    /// <summary>Bit 26, TERM_MODEL: what is not stalled is aborted, never read as zero.</summary>
    public const uint AlwaysAborts = 1 << 26;

    /// <summary>Bits 28:27, ST_LEVEL, at 1: stream tables of two levels.</summary>
    public const uint TwoLevelStreams = 1 << 27;

    /// <summary>Whether all bits of a feature are there.</summary>
    public bool Has(uint feature) => (Value & feature) == feature;

    /// <summary>HTTU.</summary>
    public uint Updates => Value >> UpdatesShift & 3;

    /// <summary>STALL_MODEL.</summary>
    public uint StallModel => Value >> StallModelShift & 3;
}

/// <summary>SMMU_IDR1.</summary>
/// <param name="Value">The register.</param>
public readonly record struct SmmuV3Sizes(uint Value)
{
    /// <summary>Bit 27, ATTR_TYPES_OVR: incoming attributes can be overridden.</summary>
    public const uint OverridesAttributes = 1 << 27;

    /// <summary>The register of a unit.</summary>
    /// <param name="streamBits">SIDSIZE, 0 to 32.</param>
    /// <param name="substreamBits">SSIDSIZE, 0 to 20.</param>
    /// <param name="pageRequestsLog2">PRIQS, log2 of the most entries of the page request queue, 0 to 19.</param>
    /// <param name="eventsLog2">EVENTQS, likewise.</param>
    /// <param name="commandsLog2">CMDQS, likewise.</param>
    public static SmmuV3Sizes Of(int streamBits, int substreamBits, int pageRequestsLog2, int eventsLog2, int commandsLog2) =>
        new((uint)(streamBits | (substreamBits << 6) | (pageRequestsLog2 << 11) | (eventsLog2 << 16) | (commandsLog2 << 21)));

    /// <summary>SIDSIZE: bits of a stream.</summary>
    public int StreamBits => (int)(Value & 0x3F);

    /// <summary>SSIDSIZE: bits of a substream; 0 for none.</summary>
    public int SubstreamBits => (int)(Value >> 6 & 0x1F);

    /// <summary>PRIQS.</summary>
    public int PageRequestsLog2 => (int)(Value >> 11 & 0x1F);

    /// <summary>EVENTQS.</summary>
    public int EventsLog2 => (int)(Value >> 16 & 0x1F);

    /// <summary>CMDQS.</summary>
    public int CommandsLog2 => (int)(Value >> 21 & 0x1F);

    /// <summary>Whether incoming attributes can be overridden.</summary>
    public bool CanOverride => (Value & OverridesAttributes) != 0;
}

/// <summary>SMMU_IDR5.</summary>
/// <param name="Value">The register.</param>
public readonly record struct SmmuV3AddressSizes(uint Value)
{
    private static readonly int[] s_bits = [32, 36, 40, 42, 44, 48, 52];

    /// <summary>Bit 4: a granule of 4 KiB.</summary>
    public const uint Granule4K = 1 << 4;

    /// <summary>Bit 5: one of 16 KiB.</summary>
    public const uint Granule16K = 1 << 5;

    /// <summary>Bit 6: one of 64 KiB.</summary>
    public const uint Granule64K = 1 << 6;

    /// <summary>Bits 11:10, VAX, at 1: device addresses of 52 bits with the granule of 64 KiB, else of 48.</summary>
    public const uint Input52 = 1 << 10;

    /// <summary>The register of a unit.</summary>
    /// <param name="outputBits">OAS: 32, 36, 40, 42, 44, 48 or 52.</param>
    /// <param name="granules">Of the bits above.</param>
    /// <param name="stalls">STALL_MAX: how many accesses can be stalled at once.</param>
    public static SmmuV3AddressSizes Of(int outputBits, uint granules, ushort stalls = 0) =>
        new((uint)CodeOf(outputBits) | granules | ((uint)stalls << 16));

    /// <summary>OAS: bits of a physical address; 0 where the code is reserved.</summary>
    public int OutputBits => BitsOf(Value & 7);

    /// <summary>STALL_MAX.</summary>
    public int Stalls => (int)(Value >> 16);

    /// <summary>Bits of a device address: 48, or 52.</summary>
    public int InputBits => (Value >> 10 & 3) == 1 ? 52 : 48;

    /// <summary>Whether a granule is there.</summary>
    public bool Has(uint granule) => (Value & granule) != 0;

    /// <summary>The code of a size in OAS, IPS and S2PS; -1 for none.</summary>
    public static int CodeOf(int bits) => Array.IndexOf(s_bits, bits);

    /// <summary>The size of a code; 0 for a reserved one.</summary>
    public static int BitsOf(uint code) => code < (uint)s_bits.Length ? s_bits[code] : 0;
}
