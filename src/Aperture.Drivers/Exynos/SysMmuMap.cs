using Aperture.Datasheets.Exynos;

namespace Aperture.Drivers.Exynos;

/// <summary>Where a layout has the registers that every layout has.</summary>
/// <param name="TableBase">The first-level table.</param>
/// <param name="TableBaseShift">Right shift of its address in that register.</param>
/// <param name="Flush">Invalidates everything.</param>
/// <param name="FlushEntry">Invalidates one page.</param>
/// <param name="FlushRange">Invalidates the pages from one to another; versions 1 to 4 have no such register.</param>
/// <param name="FlushRangeStart">The first of them.</param>
/// <param name="FlushRangeEnd">The last.</param>
/// <param name="InterruptStatus">Pending faults.</param>
/// <param name="InterruptClear">Clears them.</param>
internal readonly record struct SysMmuMap(
    uint TableBase,
    int TableBaseShift,
    uint Flush,
    uint FlushEntry,
    uint FlushRange,
    uint FlushRangeStart,
    uint FlushRangeEnd,
    uint InterruptStatus,
    uint InterruptClear)
{
    /// <summary>Versions 1 to 4.</summary>
    public static SysMmuMap V1 => new(
        SysMmuV1Register.TableBase, 0, SysMmuV1Register.Flush, SysMmuV1Register.FlushEntry, 0, 0, 0,
        SysMmuV1Register.InterruptStatus, SysMmuV1Register.InterruptClear);

    /// <summary>Versions 5 to 7.</summary>
    public static SysMmuMap V5 => new(
        SysMmuV5Register.TableBase, 12, SysMmuV5Register.Flush, SysMmuV5Register.FlushEntry,
        SysMmuV5Register.FlushRange, SysMmuV5Register.FlushRangeStart, SysMmuV5Register.FlushRangeEnd,
        SysMmuV5Register.InterruptStatus, SysMmuV5Register.InterruptClear);

    /// <summary>Version 7 with virtual machines; the first of them.</summary>
    public static SysMmuMap V7Vm => V5 with
    {
        TableBase = SysMmuVmRegister.Block + SysMmuVmRegister.TableBase,
        Flush = SysMmuVmRegister.Block + SysMmuVmRegister.Flush,
        FlushEntry = SysMmuVmRegister.Block + SysMmuVmRegister.FlushEntry,
        FlushRange = SysMmuVmRegister.Block + SysMmuVmRegister.FlushRange,
        FlushRangeStart = SysMmuVmRegister.Block + SysMmuVmRegister.FlushRangeStart,
        FlushRangeEnd = SysMmuVmRegister.Block + SysMmuVmRegister.FlushRangeEnd,
    };
}
