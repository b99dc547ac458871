using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.Msm;
using Aperture.Devices;
using Aperture.Drivers.Units;
using Aperture.Iommu;
using Aperture.Power;

namespace Aperture.Drivers.Msm;

/// <summary>One MSM IOMMU. Each domain in force has a context bank, to which the machine IDs of its masters lead; a bank's number is
/// its ASID. Identity is a bank that does not translate; blocked masters lead to no bank.</summary>
/// <remarks>Sequences after recorded driver behaviour; where this driver differs from the recorded one is in
/// docs/units/msm-iommu.md.</remarks>
public sealed partial class MsmIommuUnit : ContextUnit
{
    private static readonly ArmShortFormat s_format = new(new ArmShortOptions());

    private readonly RegisterRegion _registers;
    // on around each sequence only: while masters work, their own drivers hold the bus clock
    private readonly GateList _clocks;
    private readonly MsmContext[] _contexts;           // the banks that are ours, by number

    internal MsmIommuUnit(Device device, IommuCore core, MsmIommuDescription description)
        : base(device, core)
    {
        _registers = device.Registers[0];
        _clocks = new GateList(Clock(device, "smmu_pclk"), Clock(device, "iommu_clk"));
        _contexts = [.. Enumerable.Range(
            description.ReservedBanks,
            description.Banks - description.ReservedBanks).Select(number => new MsmContext(number))];
        Capabilities = new IommuCapabilities
        {
            PageSizes = s_format.PageSizes,
            ApertureEnd = new Iova(uint.MaxValue),
            OutputBits = 32,
            HonouredProtection = Protection.Write | Protection.NoExecute | Protection.Privileged,
            CanBypass = true,
            CanBlock = true,
            CanStall = true,
            Contexts = _contexts.Length,
        };
    }

    /// <inheritdoc/>
    public override IommuCapabilities Capabilities { get; }

    /// <inheritdoc/>
    public override int SpecifierCells => 1;

    /// <inheritdoc/>
    public override Status Translate(ReadOnlySpan<uint> cells, out StreamId stream)
    {
        var status = base.Translate(cells, out stream);
        if (status != Status.Ok)
            return status;
        stream = new StreamId(cells[0]);
        return cells[0] < MsmGlobalRegisters.Machines ? Status.Ok : Status.OutOfRange;
    }

    /// <inheritdoc/>
    protected override IommuDomain MakeDomain(in DomainRequest request) =>
        new PagingDomain<ArmShortFormat>(request, s_format, Core.Tables, Core.Trace);

    /// <inheritdoc/>
    protected override DomainType Unattached => DomainType.Blocked;

    private static Gate Clock(Device device, string name) =>
        device.Clocks.TryGetValue(name, out var gate) ? gate : throw new ApertureException(
            Status.InvalidArgument,
            $"{device.Name} has no clock \"{name}\"");
}
