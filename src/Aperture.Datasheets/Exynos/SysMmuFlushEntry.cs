namespace Aperture.Datasheets.Exynos;

/// <summary>MMU_FLUSH_ENTRY: which page to invalidate.</summary>
/// <remarks><code>
/// 31          12 11   1   0
/// | PAGE ADDRESS |  -  | TRIGGER |
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct SysMmuFlushEntry(uint Value)
{
    /// <summary>Bit 0 of this and of the other flush registers: do it.</summary>
    public const uint TriggerBit = 1u << 0;

    /// <summary>The word that invalidates the page of <paramref name="address"/>.</summary>
    public static SysMmuFlushEntry For(uint address) => new((address & 0xFFFFF000) | TriggerBit);

    /// <summary>First byte of the page.</summary>
    public uint Page => Value & 0xFFFFF000;

    /// <summary>Whether the write invalidates.</summary>
    public bool IsTriggered => (Value & TriggerBit) != 0;
}
