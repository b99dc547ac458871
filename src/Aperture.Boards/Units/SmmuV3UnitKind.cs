using Aperture.Boards.Checking;
using Aperture.Datasheets.SmmuV3;
using Aperture.DeviceTrees;
using Aperture.Drivers.SmmuV3;
using Aperture.Hardware.SmmuV3;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Boards.Units;

/// <summary>Arm's SMMUv3.</summary>
/// <param name="options">What every unit is, but for <c>dma-coherent</c>, which the tree says; null for a unit like the MMU-700 with
/// 24 bits of stream.</param>
/// <param name="driverOptions">What the driver can do in more than one way; null for the defaults.</param>
public sealed class SmmuV3UnitKind(SmmuV3Options? options = null, SmmuV3DriverOptions? driverOptions = null) : UnitKind
{
    private const int StreamBits = 24; // of a unit that nobody says more of: the architecture allows 32, trees use less

    private static readonly string[] s_interrupts = ["eventq", "gerror", "priq", "cmdq-sync"];

    /// <inheritdoc/>
    public override IReadOnlyList<UnitBinding> Bindings { get; } = [new("arm,smmu-v3", "Arm SMMUv3", 1, 1, (1u << StreamBits) - 1)];

    /// <inheritdoc/>
    public override ulong SmallestWindow(DeviceTreeNode node) => SmmuV3Register.WindowSize;

    /// <inheritdoc/>
    /// <remarks>Trees give an MMU-600 or MMU-700 the registers of its TBUs and counters, too, which are not modelled.</remarks>
    public override ulong LargestWindow(DeviceTreeNode node) => 0x40_0000;

    /// <inheritdoc/>
    /// <remarks>The lines are found by their names, or are one that is called <c>combined</c>.</remarks>
    public override TranslationUnit CreateModel(UnitSite site)
    {
        ArgumentNullException.ThrowIfNull(site);
        var unit = options ?? SmmuV3Options.Mmu700 with { StreamBits = StreamBits };
        return new SmmuV3(site.Bus, unit with { IsCoherent = site.Node.IsDmaCoherent });
    }

    /// <inheritdoc/>
    public override IIommuDriver CreateDriver(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return new SmmuV3Driver(machine.Iommu, machine.Clock, driverOptions);
    }

    private static string Has => $"an SMMUv3 has {string.Join(", ", s_interrupts)}, or one \"combined\"";

    /// <inheritdoc/>
    /// <remarks>Without a line for events nobody hears of faults, without one for global errors nobody of a unit that stands
    /// still.</remarks>
    public override void Check(UnitCheck check)
    {
        ArgumentNullException.ThrowIfNull(check);
        string?[] names = [.. check.Node.Interrupts().Select(interrupt => interrupt.Name)];
        if (names.Length == 0 || names is ["combined"] || names.All(string.IsNullOrEmpty))
            return;
        var missing = s_interrupts.Take(2).Except(names).ToArray();
        var others = names.Except(s_interrupts).ToArray();
        if (missing.Length > 0)
        {
            check.Problem(
                FindingCode.Names,
                $"interrupt-names lacks {string.Join(" and ", missing)}: {Has}");
        }
        else if (others.Length > 0)
        {
            check.Problem(
                FindingCode.Names,
                $"interrupt-names has {string.Join(" and ", others)}: {Has}");
        }
    }
}
