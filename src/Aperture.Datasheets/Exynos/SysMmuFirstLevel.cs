using System.Runtime.CompilerServices;

namespace Aperture.Datasheets.Exynos;

/// <summary>First-level descriptor (FLPD): one of 4096 words, each for 1 MiB.</summary>
/// <remarks><code>
/// up to version 4                                 from version 5 on (addresses are shifted right by 4)
/// 31      20 15   10   1 0                        31      16 5  4 1 0
/// | PA 31:20 |AP2|AP0| | 2 |  section             | PA 35:20 | WR | 2 |  section
/// 31                6  1 0                        31          6  1 0
/// | PA 31:6          | | 1 |  link                | PA 35:10  | | 1 |  link
///                      |0,3|  fault                             |0,3|  fault
/// </code>Source: recorded driver behaviour.</remarks>
/// <param name="Value">The word.</param>
public readonly record struct SysMmuFirstLevel(uint Value)
{
    /// <summary>Log2 of the bytes that one descriptor covers.</summary>
    public const int CoverShift = 20;

    /// <summary>Number of descriptors.</summary>
    public const int Count = 4096;

    /// <summary>Bytes of the table, which is its alignment too.</summary>
    public const uint TableSize = Count * sizeof(uint);

    /// <summary>Type of a link to a second-level table.</summary>
    public const uint LinkType = 1;

    /// <summary>Type of a section.</summary>
    public const uint SectionType = 2;

    private const uint Ap0 = 1u << 10;
    private const uint Ap2 = 1u << 15;

    /// <summary>Bits 1:0.</summary>
    public uint Type => Value & 3;

    /// <summary>The second-level table of a link. The 1 KiB tables lie at any multiple of 64 that the field can hold.</summary>
    /// <param name="shift">Right shift of addresses: 0 or 4.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Table(int shift) => (ulong)(Value & 0xFFFFFFC0) << shift;

    /// <summary>The first byte of a section.</summary>
    /// <param name="shift">Right shift of addresses: 0 or 4.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Section(int shift) => ((ulong)Value << shift) & 0xFFFF00000;

    /// <summary>What a section permits.</summary>
    /// <param name="shift">Right shift of addresses: 0 or 4.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public SysMmuAccess Access(int shift)
    {
        if (shift != 0)
            return (SysMmuAccess)((Value >> 4) & 3);
        if ((Value & Ap0) == 0)
            return SysMmuAccess.None;
        return (Value & Ap2) == 0 ? SysMmuAccess.ReadWrite : SysMmuAccess.Read;
    }
}
