using Aperture.Datasheets.Omap;

namespace Aperture.Hardware.Omap;

/// <summary>Which OMAP MMU an <see cref="OmapMmu"/> is, and how it behaves where the manuals are silent. Start from a preset
/// and change single properties by <c>with</c>. The reasons for the defaults are in docs/units/omap-mmu.md.</summary>
public sealed partial record OmapMmuOptions
{
    /// <summary>Number of TLB entries, 1 to 32. Silicon has 8 (camera MMU of OMAP3) or 32.</summary>
    public int TlbEntries { get; init; } = 32;

    /// <summary>Bytes of address space that the registers take; a multiple of 4, at least 0x70.</summary>
    public uint WindowSize { get; init; } = 0x100;

    /// <summary>REVISION. 0x30 on the DSP MMUs of DRA7 (register headers); otherwise not documented, and 0x20 stands in.</summary>
    public uint Revision { get; init; } = 0x20;

    /// <summary>Whether EMU_FAULT_AD exists.</summary>
    public bool HasEmuFaultAddress { get; init; } = true;

    /// <summary>Whether FAULT_PC and FAULT_STATUS exist (OMAP4 on).</summary>
    public bool HasFaultStatus { get; init; }

    /// <summary>What lies at offset 0x88.</summary>
    public OmapGpRegister GpRegister { get; init; }

    /// <summary>Whether TTB_MSB, RAM_MSB and READ_RAM_MSB exist (DRA7 DSP).</summary>
    public bool HasMsbRegisters { get; init; }

    /// <summary>Whether the four bypass regions exist (DRA7 DSP).</summary>
    public bool HasBypassRegions { get; init; }

    /// <summary>Whether addresses pass unchanged while MMUENABLE is 0. False on the IPU MMU of DRA7 (TRM ch. 20): accesses are
    /// then aborted (inferred).</summary>
    public bool HasBypass { get; init; } = true;

    /// <summary>Bits of FAULT_STATUS.TRANS_ID: 4 on OMAP4, 5 on DRA7 DSP.</summary>
    public int TransactionIdBits { get; init; } = 4;

    /// <summary>Transaction IDs 0 to 31, one bit each, whose faults FAULT_STATUS calls DMA: the EDMA and cache-DMA ports of a
    /// DSP.</summary>
    public uint DmaTransactionIds { get; init; }

    /// <summary>Which attribute bits a RAM word holds. Inferred: all generations hold them.</summary>
    public uint RamAttributeMask { get; init; } = OmapRam.AttributeMask;

    /// <summary>Which entry the walker fills. Inferred.</summary>
    public OmapVictimOrder VictimOrder { get; init; } = OmapVictimOrder.RoundRobin;

    /// <summary>How a misaligned TTB and the index meet. Unknown.</summary>
    public OmapTableIndexing TableIndexing { get; init; } = OmapTableIndexing.Add;

    /// <summary>Whether LD_TLB with CAM.V = 0 writes (and so invalidates) the entry, rather than doing nothing. Unknown.</summary>
    public bool LoadsInvalidEntries { get; init; } = true;

    /// <summary>What a CURRENTVICTIM beyond the last entry selects. Unknown.</summary>
    public OmapVictimOverflow VictimOverflow { get; init; } = OmapVictimOverflow.Wrap;

    /// <summary>When overlapping entries are noticed. Inferred.</summary>
    public OmapMultiHit MultiHit { get; init; } = OmapMultiHit.AtLookup;

    /// <summary>Which of two faults FAULT_AD shows. Unknown.</summary>
    public OmapSecondFault SecondFault { get; init; } = OmapSecondFault.KeepFirst;

    /// <summary>Whether clearing IRQSTATUS.TLBMISS also releases the access that missed, rather than only loading an entry.</summary>
    public bool StatusReleasesTlbMiss { get; init; }

    /// <summary>How bypass regions are sized. Unknown.</summary>
    public OmapBypassSize BypassSize { get; init; } = OmapBypassSize.Inert;

    /// <summary>What TTB_MSB and RAM_MSB do. Unknown.</summary>
    public OmapMsbUse MsbUse { get; init; } = OmapMsbUse.TableAndLoads;

    /// <summary>Whether FAULT_STATUS.RD_WR = 1 means a write. Unknown.</summary>
    public bool FaultStatusWriteIsOne { get; init; } = true;

    /// <summary>Whether GPR.FAULT_INTR_DIS holds the interrupt line low. Inferred from its name.</summary>
    public bool FaultInterruptDisableGatesLine { get; init; } = true;

    /// <summary>How many reads of SYSSTATUS after a reset still give RESETDONE = 0. Unknown.</summary>
    public int ResetDoneReads { get; init; }

    /// <summary>How offsets without a register answer. Inferred.</summary>
    public OmapUnknownRegisters UnknownRegisters { get; init; } = OmapUnknownRegisters.ReadZero;
}
