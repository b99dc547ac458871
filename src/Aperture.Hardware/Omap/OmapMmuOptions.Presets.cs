namespace Aperture.Hardware.Omap;

public sealed partial record OmapMmuOptions
{
    /// <summary>OMAP24xx DSP MMU: registers up to READ_RAM only.</summary>
    public static OmapMmuOptions Omap2 { get; } = new() { WindowSize = 0x80, HasEmuFaultAddress = false };

    /// <summary>OMAP34xx/36xx IVA2.2 MMU, 32 entries.</summary>
    public static OmapMmuOptions Omap3 { get; } = new() { WindowSize = 0x80 };

    /// <summary>OMAP34xx/36xx camera MMU, 8 entries.</summary>
    public static OmapMmuOptions Omap3Isp { get; } = Omap3 with { TlbEntries = 8 };

    /// <summary>OMAP4 DSP MMU.</summary>
    public static OmapMmuOptions Omap4Dsp { get; } = new() { HasFaultStatus = true, DmaTransactionIds = 0x4F };

    /// <summary>OMAP4 IPU (dual Cortex-M3) MMU.</summary>
    public static OmapMmuOptions Omap4Ipu { get; } = new() { HasFaultStatus = true, GpRegister = OmapGpRegister.BusErrorBack };

    /// <summary>OMAP5 DSP MMU.</summary>
    public static OmapMmuOptions Omap5Dsp { get; } = Omap4Dsp;

    /// <summary>OMAP5 IPU (dual Cortex-M4) MMU.</summary>
    public static OmapMmuOptions Omap5Ipu { get; } = Omap4Ipu;

    /// <summary>DRA7 DSP (C66x) MMU, either port, and the system MMUs of the same generation.</summary>
    public static OmapMmuOptions Dra7Dsp { get; } = new()
    {
        Revision = 0x30,
        HasFaultStatus = true,
        GpRegister = OmapGpRegister.FaultInterruptDisable,
        HasMsbRegisters = true,
        HasBypassRegions = true,
        TransactionIdBits = 5,
        DmaTransactionIds = 0x4F,
    };

    /// <summary>DRA7 IPU (dual Cortex-M4) MMU.</summary>
    public static OmapMmuOptions Dra7Ipu { get; } = Omap4Ipu with { HasBypass = false };
}
