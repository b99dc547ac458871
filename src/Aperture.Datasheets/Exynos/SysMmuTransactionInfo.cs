namespace Aperture.Datasheets.Exynos;

/// <summary>What is known of a transaction that faulted.</summary>
/// <remarks><code>
/// 31  21  20     19    16 15    0
/// |  -  | WRITE | AxLEN  | AxID |     (WRITE: 3.3 and 7)
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct SysMmuTransactionInfo(uint Value)
{
    /// <summary>Bit 20: the transaction was a write.</summary>
    public const uint WriteBit = 1u << 20;

    /// <summary>A transaction.</summary>
    /// <param name="id">AXI transaction ID.</param>
    /// <param name="length">AXI burst length, 0 to 15.</param>
    /// <param name="isWrite">Whether it was a write.</param>
    public static SysMmuTransactionInfo Of(ushort id, uint length, bool isWrite) =>
        new(id | ((length & 0xF) << 16) | (isWrite ? WriteBit : 0));

    /// <summary>AXI transaction ID.</summary>
    public ushort Id => (ushort)Value;

    /// <summary>AXI burst length.</summary>
    public uint Length => (Value >> 16) & 0xF;

    /// <summary>Whether it was a write.</summary>
    public bool IsWrite => (Value & WriteBit) != 0;
}
