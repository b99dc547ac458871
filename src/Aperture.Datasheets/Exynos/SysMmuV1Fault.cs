namespace Aperture.Datasheets.Exynos;

/// <summary>INT_STATUS of versions 1 to 4. AR is the read channel, AW the write channel.</summary>
[Flags]
public enum SysMmuV1Fault
{
    /// <summary>Nothing pending.</summary>
    None = 0,

    /// <summary>Bit 0: no translation. Address in PAGE_FAULT_ADDR.</summary>
    Page = 1 << 0,

    /// <summary>Bit 1: more than one TLB entry matched a read. Address in AR_FAULT_ADDR.</summary>
    ReadMultiHit = 1 << 1,

    /// <summary>Bit 2: more than one TLB entry matched a write. Address in AW_FAULT_ADDR.</summary>
    WriteMultiHit = 1 << 2,

    /// <summary>Bit 3: the walker met a bus error. Address in DEFAULT_SLAVE_ADDR or PAGE_FAULT_ADDR.</summary>
    BusError = 1 << 3,

    /// <summary>Bit 4: security attribute mismatch on a read. Address in AR_FAULT_ADDR.</summary>
    ReadSecurity = 1 << 4,

    /// <summary>Bit 5: reading is not permitted. Address in AR_FAULT_ADDR.</summary>
    ReadProtection = 1 << 5,

    /// <summary>Bit 6: security attribute mismatch on a write. Address in AW_FAULT_ADDR.</summary>
    WriteSecurity = 1 << 6,

    /// <summary>Bit 7: writing is not permitted. Address in AW_FAULT_ADDR.</summary>
    WriteProtection = 1 << 7,
}
