namespace Aperture.Datasheets.Exynos;

/// <summary>INT_STATUS of versions 5 and 6: bit number of a fault on the read channel (AR); on the write channel (AW)
/// the number is higher by <see cref="SysMmuV5FaultExtensions.WriteShift"/>.</summary>
public enum SysMmuV5Fault
{
    /// <summary>The walker met a bus error.</summary>
    TableWalk = 0,

    /// <summary>No translation.</summary>
    Page = 1,

    /// <summary>More than one TLB entry matched.</summary>
    MultiHit = 2,

    /// <summary>The access is not permitted.</summary>
    Protection = 3,

    /// <summary>Security attribute mismatch.</summary>
    Security = 4,
}

/// <summary>From a fault to its bit.</summary>
public static class SysMmuV5FaultExtensions
{
    /// <summary>Distance of write-channel bits from read-channel bits.</summary>
    public const int WriteShift = 16;

    /// <summary>The bit in INT_STATUS.</summary>
    public static uint Bit(this SysMmuV5Fault fault, bool isWrite) => 1u << ((int)fault + (isWrite ? WriteShift : 0));
}
