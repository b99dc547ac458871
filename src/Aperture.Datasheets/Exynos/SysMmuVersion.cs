namespace Aperture.Datasheets.Exynos;

/// <summary>MMU_VERSION.</summary>
/// <remarks><code>
/// 31   28 27        21 20      17 16    7 6            0
/// | MAJOR |   MINOR   | REVISION |   -   | L1 TLB ENTRIES |   (revision: 7.x; entries: 3.3)
/// </code>Some early chips read exactly 0x80000001 and are version 1.0.</remarks>
/// <param name="Value">The register.</param>
public readonly record struct SysMmuVersion(uint Value)
{
    /// <summary>What some early version 1.0 chips read.</summary>
    public const uint EarlyVersion1 = 0x80000001;

    /// <summary>A version word.</summary>
    /// <param name="major">0 to 15.</param>
    /// <param name="minor">0 to 127.</param>
    public static SysMmuVersion Of(uint major, uint minor) => new((major << 28) | ((minor & 0x7F) << 21));

    /// <summary>Major version.</summary>
    public uint Major => Value == EarlyVersion1 ? 1 : Value >> 28;

    /// <summary>Minor version.</summary>
    public uint Minor => Value == EarlyVersion1 ? 0 : (Value >> 21) & 0x7F;

    /// <summary>Number of entries of the L1 TLB on version 3.3; zero where not told.</summary>
    public uint TlbEntries => Major == 3 && Minor == 3 ? Value & 0x7F : 0;

    /// <summary>Whether the version is at least <paramref name="major"/>.<paramref name="minor"/>.</summary>
    public bool IsAtLeast(uint major, uint minor) => Major > major || (Major == major && Minor >= minor);

    /// <summary>The right shift of physical addresses in descriptors, in bits: 0 up to version 4, 4 (36-bit addresses) from 5 on.</summary>
    public int AddressShift => Major < 5 ? 0 : 4;

    /// <inheritdoc/>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Major}.{Minor}");
}
