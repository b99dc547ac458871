namespace Aperture.Datasheets.Msm;

/// <summary>Byte offsets of the registers of a context bank, within its page of 4 KiB; bank n begins at n * 0x1000. All are 32 bits
/// wide. Sources as for <see cref="MsmGlobalRegisters"/>.</summary>
public static class MsmContextRegisters
{
    /// <summary>Distance from one bank to the next.</summary>
    public const uint Stride = 0x1000;

    /// <summary>SCTLR: see <see cref="MsmSystemControl"/>.</summary>
    public const uint SystemControl = 0x000;

    /// <summary>ACTLR: see <see cref="MsmAuxiliaryControl"/>.</summary>
    public const uint AuxiliaryControl = 0x004;

    /// <summary>CONTEXTIDR: [31:8] process, [7:0] ASID.</summary>
    public const uint ContextId = 0x008;

    /// <summary>TTBR0: see <see cref="MsmTableBase"/>.</summary>
    public const uint TableBase0 = 0x010;

    /// <summary>TTBR1: as TTBR0.</summary>
    public const uint TableBase1 = 0x014;

    /// <summary>TTBCR: see <see cref="Arm.ArmTableControl"/>.</summary>
    public const uint TableControl = 0x018;

    /// <summary>PAR, the result of a translation operation: see <see cref="MsmTranslationResult"/>.</summary>
    public const uint TranslationResult = 0x01C;

    /// <summary>FSR, write one to clear: see <see cref="MsmFault"/>.</summary>
    public const uint FaultStatus = 0x020;

    /// <summary>FSRRESTORE: what is written becomes FSR.</summary>
    public const uint FaultStatusRestore = 0x024;

    /// <summary>FAR: the device address of the fault.</summary>
    public const uint FaultAddress = 0x028;

    /// <summary>FSYNR0: see <see cref="MsmTransactionIds"/>.</summary>
    public const uint FaultIds = 0x02C;

    /// <summary>FSYNR1: see <see cref="MsmTransaction"/>.</summary>
    public const uint FaultTransaction = 0x030;

    /// <summary>PRRR: see <see cref="Arm.ArmMemoryRemap"/>.</summary>
    public const uint PrimaryRemap = 0x034;

    /// <summary>NMRR: see <see cref="Arm.ArmMemoryRemap"/>.</summary>
    public const uint NormalRemap = 0x038;

    /// <summary>TLBLKCR: see <see cref="MsmTlbLock"/>.</summary>
    public const uint TlbLock = 0x03C;

    /// <summary>V2PSR, of the last translation operation: [0] found in the TLB, [15:8] in which entry.</summary>
    public const uint TranslationStatus = 0x040;

    /// <summary>TLBFLPTER: the last first-level descriptor that was fetched.</summary>
    public const uint FirstLevelFetched = 0x044;

    /// <summary>TLBSLPTER: the last second-level descriptor that was fetched.</summary>
    public const uint SecondLevelFetched = 0x048;

    /// <summary>BFBCR: the buffer of fetched blocks; [0] BFBDFE fetches table data by blocks.</summary>
    public const uint BlockFetch = 0x04C;

    /// <summary>CTX_TLBIALL: any write removes the context's entries.</summary>
    public const uint InvalidateAll = 0x800;

    /// <summary>TLBIASID: a write removes the entries of the ASID in [7:0].</summary>
    public const uint InvalidateAsid = 0x804;

    /// <summary>TLBIVA: a write removes the entries of an address and ASID: see <see cref="MsmTlbAddress"/>.</summary>
    public const uint InvalidateAddress = 0x808;

    /// <summary>TLBIVAA: as TLBIVA, of any ASID.</summary>
    public const uint InvalidateAddressAnyAsid = 0x80C;

    /// <summary>V2PPR: translates the address in [31:12] as a privileged read.</summary>
    public const uint TranslatePrivilegedRead = 0x810;

    /// <summary>V2PPW: as a privileged write.</summary>
    public const uint TranslatePrivilegedWrite = 0x814;

    /// <summary>V2PUR: as a user's read.</summary>
    public const uint TranslateUserRead = 0x818;

    /// <summary>V2PUW: as a user's write.</summary>
    public const uint TranslateUserWrite = 0x81C;

    /// <summary>RESUME: releases a stalled access; [0] TNR: 1 ends it, 0 tries it again (inferred from the name).</summary>
    public const uint Resume = 0x820;

    /// <summary>RESUME value that ends a stalled access.</summary>
    public const uint ResumeTerminate = 1;

    /// <summary>RESUME value that tries it again.</summary>
    public const uint ResumeRetry = 0;

    /// <summary>BFBCR.BFBDFE.</summary>
    public const uint BlockFetchData = 1;

    /// <summary>A register of a bank.</summary>
    public static uint Of(int bank, uint register) => ((uint)bank * Stride) + register;
}
