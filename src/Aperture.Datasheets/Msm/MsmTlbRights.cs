using Aperture.Datasheets.Arm;

namespace Aperture.Datasheets.Msm;

/// <summary>TLBTR0: rights, attributes and size of a TLB entry. The coding of the sizes (0 to 3 for 4 KiB, 64 KiB, 1 MiB, 16 MiB) and of MT
/// (as in PAR) is inferred.</summary>
/// <remarks><code>
/// 22:20   18:16   11:9  8   7    6       4   3   2   1   0
/// DPSIZC  DPSIZR  MT    SH  ISH  NSDESC  XN  UW  UR  PW  PR
/// </code></remarks>
/// <param name="Bits">The register.</param>
public readonly record struct MsmTlbRights(uint Bits)
{
    /// <summary>The word of an entry.</summary>
    public static MsmTlbRights Of(ArmRights rights, ArmMemoryAttributes memory, bool nonSecure, int pageShift)
    {
        var size = (uint)(pageShift - 12) / 4;
        return new MsmTlbRights(
            Bit(rights, ArmRights.PrivilegedRead, 0)
            | Bit(rights, ArmRights.PrivilegedWrite, 1)
            | Bit(rights, ArmRights.UserRead, 2)
            | Bit(rights, ArmRights.UserWrite, 3)
            | ((rights & ArmRights.Execute) == 0 ? 1u << 4 : 0)
            | (nonSecure ? 1u << 6 : 0)
            | (memory.IsShareable && memory.IsInnerOnly ? 1u << 7 : 0)
            | (memory.IsShareable ? 1u << 8 : 0)
            | (memory.InnerCode << 9)
            | (size << 16)
            | (size << 20));
    }

    /// <summary>MT: the inner memory attribute.</summary>
    public uint MemoryType => Bits >> 9 & 7;

    /// <summary>SH.</summary>
    public bool IsShareable => (Bits & (1 << 8)) != 0;

    private static uint Bit(ArmRights rights, ArmRights right, int number) => (rights & right) != 0 ? 1u << number : 0;
}
