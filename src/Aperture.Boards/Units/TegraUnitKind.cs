using Aperture.Conformance.Drivers;
using Aperture.Datasheets.Tegra;
using Aperture.DeviceTrees;
using Aperture.Drivers.Tegra;
using Aperture.Hardware.Tegra;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Boards.Units;

/// <summary>NVIDIA's SMMUs of Tegra30 to Tegra210, each a part of the SoC's memory controller, which also provides resets.</summary>
public sealed class TegraUnitKind : UnitKind
{
    private const uint HighestSwgroup = 127; // by the binding

    /// <inheritdoc/>
    public override IReadOnlyList<UnitBinding> Bindings { get; } =
    [
        .. TegraSoc.All.Select(soc => new UnitBinding(soc.Compatible, "NVIDIA Tegra SMMU", 1, 1, HighestSwgroup, SharesIds: true)
        {
            Ids = soc.Swgroups.Select(swgroup => swgroup.Id).ToHashSet(),
        }),
    ];

    /// <inheritdoc/>
    public override bool ProvidesGates => true;

    /// <inheritdoc/>
    public override DriverFamily Conformance { get; } = new TegraDriverFamily();

    /// <inheritdoc/>
    public override ulong SmallestWindow(DeviceTreeNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.Compatible.Select(TegraSoc.Find).OfType<TegraSoc>().FirstOrDefault() is { } soc ? OptionsOf(soc).WindowSize : 0;
    }

    /// <inheritdoc/>
    public override TranslationUnit CreateModel(UnitSite site)
    {
        ArgumentNullException.ThrowIfNull(site);
        var smmu = new TegraSmmu(site.Bus, OptionsOf(TegraSoc.Find(site.Compatible)!) with { WindowSize = site.Size });
        ConnectArbiter(site, smmu);
        return smmu;
    }

    /// <inheritdoc/>
    public override IIommuDriver CreateDriver(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return new TegraIommuDriver(machine.Iommu, machine.Drivers);
    }

    private static TegraSmmuOptions OptionsOf(TegraSoc soc) => TegraSmmuOptions.All.First(options => options.Soc == soc);

    /// <summary>The AHB arbiter lets masters past the SMMU until it is told otherwise; the driver finds its registers as the last region. A
    /// chip without masters on an AHB has none.</summary>
    private static void ConnectArbiter(UnitSite site, TegraSmmu smmu)
    {
        var arbiter = site.Node.Tree.Devices().FirstOrDefault(node => node.IsCompatible("nvidia,tegra30-ahb"));
        if (arbiter?.Registers() is not [{ Length: > TegraAhbRegister.CrossbarControl and <= UsualLargestWindow }, ..]
            || site.Neighbour(arbiter, size => new TegraAhb(smmu, (uint)size)) is null)
            return;
        site.AddRegisters(arbiter);
    }
}
