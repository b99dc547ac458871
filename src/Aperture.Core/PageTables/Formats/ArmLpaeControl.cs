namespace Aperture.Core.PageTables.Formats;

/// <summary>The fields of TCR or VTCR that belong to a table, as the registers encode them.</summary>
/// <param name="Size">T0SZ or T1SZ: 64 less the bits of an input address.</param>
/// <param name="Granule">TG0 (0: 4 KiB, 1: 64 KiB, 2: 16 KiB), or for the table of TTBR1 TG1 (1: 16 KiB, 2: 4 KiB, 3: 64 KiB).</param>
/// <param name="OutputSize">IPS or PS: 0 to 6 for 32, 36, 40, 42, 44, 48 and 52 bits.</param>
/// <param name="Shareability">SH of walks: 2 outer, 3 inner.</param>
/// <param name="InnerCache">IRGN of walks: 0 not cached, 1 write-back with allocation.</param>
/// <param name="OuterCache">ORGN of walks, likewise.</param>
/// <param name="StartLevel">SL0 of VTCR; 0 in stage 1.</param>
public readonly record struct ArmLpaeControl(int Size, int Granule, int OutputSize, int Shareability, int InnerCache, int OuterCache,
    int StartLevel);
