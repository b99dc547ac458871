namespace Aperture.Datasheets.Msm;

/// <summary>Byte offsets of the registers that all context banks of an MSM IOMMU share. All are 32 bits wide. There is no public
/// manual: names and fields are those of the vendor's register list, recorded driver behaviour shows some at work.</summary>
public static class MsmGlobalRegisters
{
    /// <summary>Bytes of the register window.</summary>
    public const uint WindowSize = 0x10_0000;

    /// <summary>First byte of the page of these registers.</summary>
    public const uint Page = 0xF_F000;

    /// <summary>M2VCBR of machine ID 0: see <see cref="MsmMachineMap"/>. One word for each machine ID.</summary>
    public const uint MachineMap = 0xF_F000;

    /// <summary>Number of machine IDs.</summary>
    public const int Machines = 32;

    /// <summary>CBACR of context bank 0: see <see cref="MsmContextAttributes"/>. One word for each bank.</summary>
    public const uint ContextAttributes = 0xF_F800;

    /// <summary>TLBRSW: see <see cref="MsmTlbSelector"/>.</summary>
    public const uint TlbSelect = 0xF_FE00;

    /// <summary>TLBTR0 of the selected entry, read-only: see <see cref="MsmTlbRights"/>.</summary>
    public const uint TlbRights = 0xF_FE80;

    /// <summary>TLBTR1 of the selected entry, read-only: [31:12] physical address, [4:0] VMID.</summary>
    public const uint TlbTarget = 0xF_FE84;

    /// <summary>TLBTR2 of the selected entry, read-only: see <see cref="MsmTlbTag"/>.</summary>
    public const uint TlbTag = 0xF_FE88;

    /// <summary>TESTBUSCR: test bus; [0] TBE and [1] SPDMBE enable it.</summary>
    public const uint TestBus = 0xF_FE8C;

    /// <summary>GLOBAL_TLBIALL: any write empties the TLB.</summary>
    public const uint InvalidateAll = 0xF_FF00;

    /// <summary>TLBIVMID: a write removes the entries of the VMID in [4:0].</summary>
    public const uint InvalidateVmid = 0xF_FF04;

    /// <summary>CR: see <see cref="MsmControl"/>.</summary>
    public const uint Control = 0xF_FF80;

    /// <summary>EAR: the device address of a global error.</summary>
    public const uint ErrorAddress = 0xF_FF84;

    /// <summary>ESR, write one to clear: see <see cref="MsmGlobalError"/>.</summary>
    public const uint ErrorStatus = 0xF_FF88;

    /// <summary>ESRRESTORE: what is written becomes ESR.</summary>
    public const uint ErrorStatusRestore = 0xF_FF8C;

    /// <summary>ESYNR0: see <see cref="MsmTransactionIds"/>, with a VMID in [20:16].</summary>
    public const uint ErrorIds = 0xF_FF90;

    /// <summary>ESYNR1: see <see cref="MsmTransaction"/>.</summary>
    public const uint ErrorTransaction = 0xF_FF94;

    /// <summary>REV, read-only: [7:4] major, [3:0] minor.</summary>
    public const uint Revision = 0xF_FFF4;

    /// <summary>IDR, read-only: see <see cref="MsmIdentification"/>.</summary>
    public const uint Identification = 0xF_FFF8;

    /// <summary>RPU_ACR: access control of the resource protection unit.</summary>
    public const uint ProtectionAccess = 0xF_FFFC;

    /// <summary>The word of a machine ID.</summary>
    public static uint MachineMapOf(uint machine) => MachineMap + (machine * sizeof(uint));

    /// <summary>The word of a context bank.</summary>
    public static uint ContextAttributesOf(int bank) => ContextAttributes + ((uint)bank * sizeof(uint));
}
