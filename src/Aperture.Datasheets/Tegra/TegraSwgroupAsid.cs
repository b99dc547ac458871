namespace Aperture.Datasheets.Tegra;

/// <summary>The register of a swgroup.</summary>
/// <remarks><code>
/// 31    30                7 6    0
/// |ENABLE|                 | ASID |   (ASID: 2 bits on Tegra30 and Tegra114)
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct TegraSwgroupAsid(uint Value)
{
    /// <summary>Bit 31: the swgroup's accesses are translated.</summary>
    public const uint EnableBit = 1u << 31;

    /// <summary>The bits of the address-space number.</summary>
    public const uint AsidMask = 0x7F;

    /// <summary>The word that puts a swgroup into an address space.</summary>
    /// <param name="asid">Its number.</param>
    public static TegraSwgroupAsid For(int asid) => new(EnableBit | (uint)asid);

    /// <summary>Whether the swgroup's accesses are translated.</summary>
    public bool IsEnabled => (Value & EnableBit) != 0;

    /// <summary>The address-space number.</summary>
    public uint Asid => Value & AsidMask;
}
