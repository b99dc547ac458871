namespace Aperture.Datasheets.Exynos;

/// <summary>Register offsets that version 7 adds to <see cref="SysMmuV5Register"/>, in bytes. Faults of both directions
/// share the pair at 0x70 and 0x78. Source: recorded driver behaviour; registers beyond 0x874 from vendor driver register lists.</summary>
public static class SysMmuV7Register
{
    /// <summary>Fault address without virtual machines, read only.</summary>
    public const uint FaultAddress = 0x070;

    /// <summary>Fault transaction without virtual machines, read only: <see cref="SysMmuTransactionInfo"/>.</summary>
    public const uint FaultInfo = 0x078;

    /// <summary>PUBLIC_WAY_CFG, read/write.</summary>
    public const uint PublicWayConfig = 0x120;

    /// <summary>PRIVATE_WAY_CFG(0), read/write; START, END and ID follow at +4, +8, +0xC, the next way at +0x10.</summary>
    public const uint PrivateWayConfig = 0x200;

    /// <summary>CAPA0, read only: <see cref="SysMmuCapability0"/>.</summary>
    public const uint Capability0 = 0x870;

    /// <summary>CAPA1, read only: <see cref="SysMmuCapability1"/>.</summary>
    public const uint Capability1 = 0x874;

    /// <summary>MMU_TLB_INFO(0), read only: sets in bits 23:16, ways in bits 7:0.</summary>
    public const uint TlbInfo = 0x2000;

    /// <summary>TLB_CFG(0); TLB_MATCH_CFG, MATCH_SVA, MATCH_EVA and MATCH_ID follow in steps of 4.</summary>
    public const uint TlbConfig = 0x2004;

    /// <summary>Distance of the registers of one TLB from those of the next.</summary>
    public const uint TlbStride = 0x20;

    /// <summary>S2PF_ENABLE: bit 0.</summary>
    public const uint StagePrefetchEnable = 0x7000;

    /// <summary>TLB read window without virtual machines: selector (<see cref="SysMmuTlbSelector"/>), VPN, PPN, attributes in steps of
    /// 4.</summary>
    public const uint TlbWindow = 0x8000;

    /// <summary>TLB read window of the variant with virtual machines.</summary>
    public const uint VmTlbWindow = 0x3000;

    /// <summary>Distance from the TLB read window to that of the second-level TLB (SBB).</summary>
    public const uint SecondWindow = 0x20;

    /// <summary>Attributes of a read window: bits 31:28 are not zero for a valid entry.</summary>
    public const uint AttributeValid = 1u << 28;
}
