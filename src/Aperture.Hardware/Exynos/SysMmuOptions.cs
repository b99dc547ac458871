using Aperture.Datasheets.Exynos;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Exynos;

/// <summary>Which SysMMU a model is, and what it does where the facts end. There is no public manual: every member whose
/// comment says "unknown" or "inferred" is a choice, with the documented default. Start from a preset.</summary>
public sealed partial record SysMmuOptions
{
    /// <summary>MMU_VERSION as it reads. It decides the register layout and the descriptor format.</summary>
    public uint Version { get; init; } = SysMmuVersion.Of(1, 0).Value;

    /// <summary>MMU_CAPA (0x30) as it reads on versions 5 and 6.</summary>
    public uint Capability { get; init; }

    /// <summary>MMU_CAPA_1 (0x38) as it reads on versions 5 and 6.</summary>
    public uint CapabilityMore { get; init; }

    /// <summary>CAPA0 (0x870) as it reads on version 7.</summary>
    public uint Capability0 { get; init; }

    /// <summary>CAPA1 (0x874) as it reads on version 7.</summary>
    public uint Capability1 { get; init; }

    /// <summary>Bytes of the register window, a multiple of 4 from 0x100 to 0x10000. Device trees give 0x1000 for the older
    /// units, 0x9000 and 0x10000 for version 7.</summary>
    public uint WindowSize { get; init; } = 0x1000;

    /// <summary>Reset values of further registers by byte offset. Unknown; default: all zero.</summary>
    public IReadOnlyDictionary<uint, uint> ResetValues { get; init; } = new Dictionary<uint, uint>();

    /// <summary>Number of TLB banks, a power of two: an entry lies in the bank that bits from 12 up of the accessed address
    /// select, and FLUSH_ENTRY searches only that bank. Version 2: 64; others: 1, fully associative.</summary>
    public int TlbBanks { get; init; } = 1;

    /// <summary>Entries of a TLB bank; 0 takes what the version or capability register tells, or 32 where it tells nothing.
    /// Version 2: 8. Unknown on versions 1, 3.1 and 3.2.</summary>
    public int TlbWays { get; init; }

    /// <summary>Entries of the second TLB; 0 takes what the capability register tells, which may be none.</summary>
    public int L2TlbEntries { get; init; }

    /// <summary>Reset value of L2TLB_CFG on versions 5 and 6; bit 0 switches the second TLB on. Unknown; default: off.</summary>
    public uint L2TlbConfigReset { get; init; }

    /// <summary>Which entry is replaced. Unknown; default: one after the other. Up to version 3.2 MMU_CFG bit 0 asks for least
    /// recently used, which the presets of those versions take for granted, as every known driver sets the bit.</summary>
    public ReplacementPolicy Replacement { get; init; } = ReplacementPolicy.RoundRobin;

    /// <summary>Entries of the first-level descriptor cache, 0 or a power of two; it works while MMU_CFG bit 20 is set. Unknown;
    /// default: 64 from version 3.3 on. None before: 3.2 has the enable bit, but drivers never maintain the cache there.</summary>
    public int FlpdCacheEntries { get; init; }

    /// <summary>Whether the first-level descriptor cache keeps fault descriptors as well as links. Inferred for version 3.3 to 4
    /// from drivers that never leave a fault descriptor in a table.</summary>
    public bool FlpdCacheHoldsFaults { get; init; }

    /// <summary>Whether FLUSH empties the first-level descriptor cache. Inferred: yes.</summary>
    public bool FlushClearsFlpdCache { get; init; } = true;

    /// <summary>Whether FLUSH_ENTRY removes the descriptor of its address from the first-level descriptor cache. Version 3.3 to 4: yes;
    /// from 5 on: no.</summary>
    public bool FlushEntryClearsFlpdCache { get; init; }

    /// <summary>Erratum of version 3.x: a table walk also remembers the fault descriptors of the aligned block around its page,
    /// and goes on faulting there after they became valid, until FLUSH or a FLUSH_ENTRY in the block. Default: off, since drivers
    /// avoid it only by spacing their regions.</summary>
    public bool CachesFaultingPages { get; init; }

    /// <summary>Bytes of the block of <see cref="CachesFaultingPages"/>, a power of two from 4 KiB to 256 KiB. Version 3.1 and 3.3: 128
    /// KiB; 3.2: 256 KiB.</summary>
    public uint FaultingPageBlock { get; init; } = 128 << 10;

    /// <summary>Whether a disabled unit needs its clock to let addresses pass unchanged. Unknown; default: no, because recorded drivers
    /// take the clock away from a unit that they disable while its master goes on with addresses that are not translated.</summary>
    public bool BypassNeedsClock { get; init; }

    /// <summary>Whether flush registers act on a write with bit 0 clear. Unknown; default: no.</summary>
    public bool FlushIgnoresTriggerBit { get; init; }

    /// <summary>Whether flush registers act only while MMU_CTRL blocks or disables the unit. Drivers always block first; default: they
    /// always act.</summary>
    public bool FlushNeedsBlock { get; init; }

    /// <summary>Reads of MMU_STATUS that still answer "not blocked" after a request to block; negative: for ever. Default: 0.</summary>
    public int BlockDelayPolls { get; init; }

    /// <summary>Bits of MMU_STATUS beside bit 0. Unknown; default: zero.</summary>
    public uint StatusOtherBits { get; init; }

    /// <summary>Whether a stalling fault sets the block bit of MMU_CTRL, as recorded, or only the unit's own state.</summary>
    public bool FaultSetsBlockBit { get; init; } = true;

    /// <summary>When a faulting access stalls the unit until software writes MMU_CTRL.</summary>
    public SysMmuStall Stall { get; init; } = SysMmuStall.Always;

    /// <summary>Whether a stalled access is translated again once software released the unit (inferred), or ends with an error.
    /// A vendor note says that version 5 cannot recover from faults; default: it is translated again on every version.</summary>
    public bool RetriesAfterFault { get; init; } = true;

    /// <summary>Whether the fault registers keep the first fault of a kind until it is cleared, or the latest. Unknown; default: the
    /// latest.</summary>
    public bool KeepsFirstFault { get; init; }

    /// <summary>Where versions 1 to 4 put the address of a bus error. Known drivers disagree; default: in both places.</summary>
    public SysMmuBusErrorAddress BusErrorAddress { get; init; } = SysMmuBusErrorAddress.Both;

    /// <summary>The fault that version 7 reports for multiple hits and security mismatches, which it has no bit for. Unknown; default: the
    /// reserved bit.</summary>
    public SysMmuV7Fault V7OtherFault { get; init; } = SysMmuV7Fault.Reserved;

    /// <summary>What happens to accesses of a VID whose CTRL_VM is off. Unknown; default: a page fault.</summary>
    public SysMmuDisabledVm DisabledVm { get; init; } = SysMmuDisabledVm.PageFault;

    /// <summary>Whether MMU_CFG bit 2 switches permission checks on for every VID, beside bit 2 of CFG_VM. Inferred: drivers write only
    /// MMU_CFG.</summary>
    public bool VmUsesGlobalPermissionBit { get; init; } = true;

    /// <summary>The VID of each stream, by stream ID; others have VID 0. Which master has which VID is wiring; default: all have VID
    /// 0.</summary>
    public IReadOnlyList<byte> VidOfStream { get; init; } = [];

    /// <summary>The bits of a first-level descriptor that are its type, 2 or 3. A vendor's version 7 driver uses three; default:
    /// two.</summary>
    public int FirstLevelTypeBits { get; init; } = 2;

    /// <summary>Whether the low 14 bits of the table base count as zero. Unknown; default: yes.</summary>
    public bool AlignsTableBase { get; init; } = true;

    /// <summary>Number of prefetch buffers that PB_INFO tells on versions 3.3 and 5: 0, 3, 4 or 6. Their registers are storage; the
    /// buffers do not change what is translated.</summary>
    public int PrefetchBuffers { get; init; } = 4;

    /// <summary>Says whether an access violates the security attributes of its page. No known descriptor has such an attribute; default:
    /// null, never.</summary>
    public Predicate<BusRequest>? ViolatesSecurity { get; init; }

    /// <summary>The register layout.</summary>
    public SysMmuLayout Layout => new SysMmuVersion(Version).Major switch
    {
        < 5 => SysMmuLayout.V1,
        5 or 6 => SysMmuLayout.V5,
        _ => new SysMmuCapability0(Capability0).HasCapability1 && new SysMmuCapability1(Capability1).HasVm ? SysMmuLayout.V7Vm
            : SysMmuLayout.V7,
    };
}
