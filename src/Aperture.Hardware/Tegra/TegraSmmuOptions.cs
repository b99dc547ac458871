using Aperture.Core;
using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tegra;

/// <summary>Which SMMU a model is, and what it does where the facts end: every member whose comment says "unknown" or "inferred" is a
/// choice, with the documented default.</summary>
public sealed record TegraSmmuOptions
{
    /// <summary>Tegra30.</summary>
    public static TegraSmmuOptions Tegra30 { get; } = new() { WindowSize = 0x400 };

    /// <summary>Tegra114.</summary>
    public static TegraSmmuOptions Tegra114 { get; } = new() { Soc = TegraSoc.Tegra114 };

    /// <summary>Tegra124.</summary>
    public static TegraSmmuOptions Tegra124 { get; } = new() { Soc = TegraSoc.Tegra124 };

    /// <summary>Tegra132, behind its boot firmware.</summary>
    public static TegraSmmuOptions Tegra132 { get; } = new() { Soc = TegraSoc.Tegra132, FirmwareEnables = true };

    /// <summary>Tegra210, behind its boot firmware.</summary>
    public static TegraSmmuOptions Tegra210 { get; } = new() { Soc = TegraSoc.Tegra210, FirmwareEnables = true };

    /// <summary>The presets.</summary>
    public static IReadOnlyList<TegraSmmuOptions> All { get; } = [Tegra30, Tegra114, Tegra124, Tegra132, Tegra210];

    /// <summary>The SoC.</summary>
    public TegraSoc Soc { get; init; } = TegraSoc.Tegra30;

    /// <summary>Bytes of the register window, a multiple of 4 from 0x400 to 0x10000. Device trees give 0x400 for Tegra30, 0x1000 for the
    /// others.</summary>
    public uint WindowSize { get; init; } = 0x1000;

    /// <summary>Whether boot firmware leaves translation on and every client's enable bit set after reset and after a loss of power, so
    /// that only the swgroups' registers decide. Tegra132 and Tegra210: yes. The registers' own reset values are unknown; default:
    /// zero.</summary>
    public bool FirmwareEnables { get; init; }

    /// <summary>Lines of the PTC, one atom each, a power of two from 1 to 64; direct mapped by address bits under INDEX_MAP. Size,
    /// associativity and hash are unknown; default: 64, as many as INDEX_MAP can tell apart.</summary>
    public int PtcLines { get; init; } = 64;

    /// <summary>Whether a line of the TLB, which holds the four words of a group, holds empty words as well, so that an access to a page
    /// mapped since then faults until a flush. Inferred from drivers, which flush after each map; default: yes.</summary>
    public bool TlbHoldsEmpty { get; init; } = true;

    /// <summary>Which line is replaced. Unknown; default: one after the other.</summary>
    public ReplacementPolicy Replacement { get; init; } = ReplacementPolicy.RoundRobin;

    /// <summary>Whether the error registers keep the first error until its bit in INTSTATUS is cleared, or the latest. Unknown; default:
    /// the first.</summary>
    public bool KeepsFirstError { get; init; } = true;

    /// <summary>Whether a flush with the unused MATCH value 1 acts as one of everything. Unknown; default: it does nothing.</summary>
    public bool UnusedMatchFlushesAll { get; init; }

    /// <summary>Reads of a hot-reset status register that still answer "not drained" after a request; negative: for ever. Default:
    /// 0.</summary>
    public int DrainDelayPolls { get; init; }

    internal void Validate()
    {
        if (WindowSize is < 0x400 or > 0x1_0000 || WindowSize % sizeof(uint) != 0)
        {
            throw new ApertureException(
                Status.InvalidArgument,
                    $"a memory controller's register window of 0x{WindowSize:x} bytes: 0x400 to 0x10000, a multiple of 4");
        }

        if (Soc.IsWide && WindowSize <= TegraMcRegister.TranslationEnable(TegraMcRegister.TranslationEnables - 1))
        {
            throw new ApertureException(
                Status.InvalidArgument,
                $"a {Soc.Name} memory controller's register window of 0x{WindowSize:x} bytes lacks registers: 0x1000 has them all");
        }

        if (PtcLines is < 1 or > 64 || !System.Numerics.BitOperations.IsPow2(PtcLines))
            throw new ApertureException(Status.InvalidArgument, $"a PTC of {PtcLines} lines: a power of two from 1 to 64");
    }
}
