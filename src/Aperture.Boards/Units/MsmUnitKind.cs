using Aperture.Boards.Checking;
using Aperture.Conformance.Drivers;
using Aperture.Core;
using Aperture.Datasheets.Msm;
using Aperture.DeviceTrees;
using Aperture.Drivers.Msm;
using Aperture.Hardware.Msm;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Boards.Units;

/// <summary>Qualcomm's IOMMUs of APQ8064 and its like, with a context bank for each master.</summary>
/// <param name="options">What every unit does where the facts end; the number of its context banks is the tree's. Null for the
/// defaults.</param>
public sealed class MsmUnitKind(MsmIommuOptions? options = null) : UnitKind
{
    private const string BanksProperty = "qcom,ncb";
    private const uint MostBanks = 4;      // by the binding
    private const uint HighestStream = 31; // machine IDs have five bits

    /// <inheritdoc/>
    public override IReadOnlyList<UnitBinding> Bindings { get; } =
        [new("qcom,apq8064-iommu", "Qualcomm MSM IOMMU", 1, 1, HighestStream) { Clocks = [["smmu_pclk", "iommu_clk"]] }];

    /// <inheritdoc/>
    public override DriverFamily Conformance { get; } = new MsmDriverFamily();

    /// <inheritdoc/>
    public override ulong SmallestWindow(DeviceTreeNode node) => MsmGlobalRegisters.WindowSize;

    /// <inheritdoc/>
    public override ulong LargestWindow(DeviceTreeNode node) => MsmGlobalRegisters.WindowSize;

    /// <inheritdoc/>
    /// <remarks>Each context bank chooses one of the unit's lines, which are the interrupts of the node in their order.</remarks>
    public override TranslationUnit CreateModel(UnitSite site)
    {
        ArgumentNullException.ThrowIfNull(site);
        if (site.Size != MsmGlobalRegisters.WindowSize)
            throw new ApertureException(
                Status.InvalidArgument, $"an MSM IOMMU has 0x{MsmGlobalRegisters.WindowSize:x} bytes of registers, not 0x{site.Size:x}");
        if (site.Node.U32(BanksProperty) is not { } banks)
            throw new ApertureException(Status.InvalidArgument, $"{BanksProperty}, the number of context banks, is not one number");
        return new MsmIommu(site.Bus, (options ?? new MsmIommuOptions()) with { Banks = (int)Math.Min(banks, int.MaxValue) });
    }

    /// <inheritdoc/>
    public override IIommuDriver CreateDriver(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return new MsmIommuDriver(machine.Iommu);
    }

    /// <inheritdoc/>
    /// <remarks>A unit says how many context banks it has, and has one for each master.</remarks>
    public override void Check(UnitCheck check)
    {
        ArgumentNullException.ThrowIfNull(check);
        if (check.Node.U32(BanksProperty) is not { } banks)
        {
            check.Problem(
                FindingCode.Banks,
                $"{BanksProperty}, the number of context banks, is not one number: add {BanksProperty} = <2>, or what the unit has");
            return;
        }

        if (banks is 0 or > MostBanks)
        {
            check.Problem(
                FindingCode.Banks,
                $"{BanksProperty} is {banks}, but an MSM IOMMU has 1 to {MostBanks} context banks: set it to what the unit has");
            return;
        }

        var masters = check.Masters.ToArray();
        if (masters.Length > banks)
        {
            check.Problem(
                FindingCode.Banks,
                $"has {banks} context banks for {masters.Length} masters ({string.Join(", ", masters.Select(master => master.Path))}): "
                + $"the last of them gets no address space; disable one, or correct {BanksProperty}");
        }
    }
}
