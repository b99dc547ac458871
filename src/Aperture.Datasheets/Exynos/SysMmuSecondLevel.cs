using System.Runtime.CompilerServices;

namespace Aperture.Datasheets.Exynos;

/// <summary>Second-level descriptor (SLPD): one of 256 words, each for 4 KiB; a 64 KiB page repeats its word 16 times.</summary>
/// <remarks><code>
/// up to version 4                                 from version 5 on (addresses are shifted right by 4)
/// 31      16   9   4   1 0                        31      12 3  2 1 0
/// | PA 31:16 |AP2|AP0| | 1 |  large page          | PA 35:16 | WR | 1 |  large page
/// 31      12   9   4   1 0                        31       8 3  2 1 0
/// | PA 31:12 |AP2|AP0| |2,3|  small page          | PA 35:12 | WR |2,3|  small page
///                      | 0 |  fault                               | 0 |  fault
/// </code>Source: recorded driver behaviour.</remarks>
/// <param name="Value">The word.</param>
public readonly record struct SysMmuSecondLevel(uint Value)
{
    /// <summary>Log2 of the bytes that one descriptor covers.</summary>
    public const int CoverShift = 12;

    /// <summary>Log2 of the bytes of a large page.</summary>
    public const int LargeShift = 16;

    /// <summary>Number of descriptors.</summary>
    public const int Count = 256;

    /// <summary>Bytes of the table, which is its alignment too.</summary>
    public const uint TableSize = Count * sizeof(uint);

    private const uint Ap0 = 1u << 4;
    private const uint Ap2 = 1u << 9;

    /// <summary>Whether there is no translation.</summary>
    public bool IsFault => (Value & 3) == 0;

    /// <summary>Whether it is part of a 64 KiB page.</summary>
    public bool IsLarge => (Value & 3) == 1;

    /// <summary>The first byte of the page.</summary>
    /// <param name="shift">Right shift of addresses: 0 or 4.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Page(int shift) => ((ulong)Value << shift) & (IsLarge ? 0xFFFFF0000ul : 0xFFFFFF000ul);

    /// <summary>What the page permits.</summary>
    /// <param name="shift">Right shift of addresses: 0 or 4.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public SysMmuAccess Access(int shift)
    {
        if (shift != 0)
            return (SysMmuAccess)((Value >> 2) & 3);
        if ((Value & Ap0) == 0)
            return SysMmuAccess.None;
        return (Value & Ap2) == 0 ? SysMmuAccess.ReadWrite : SysMmuAccess.Read;
    }
}
