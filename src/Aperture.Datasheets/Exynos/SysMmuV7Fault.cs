namespace Aperture.Datasheets.Exynos;

/// <summary>INT_STATUS of version 7: the bit number is four times the VID plus one of these.</summary>
public enum SysMmuV7Fault
{
    /// <summary>The walker met a bus error.</summary>
    TableWalk = 0,

    /// <summary>No translation.</summary>
    Page = 1,

    /// <summary>The access is not permitted.</summary>
    Protection = 2,

    /// <summary>Reserved.</summary>
    Reserved = 3,
}

/// <summary>From a fault to its bit.</summary>
public static class SysMmuV7FaultExtensions
{
    /// <summary>Bits of one VID.</summary>
    public const int BitsPerVm = 4;

    /// <summary>The bit in INT_STATUS.</summary>
    /// <param name="fault">The kind.</param>
    /// <param name="vid">VID, 0 to 7.</param>
    public static uint Bit(this SysMmuV7Fault fault, int vid) => 1u << ((vid * BitsPerVm) + (int)fault);
}
