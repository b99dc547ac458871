using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.Tegra;
using Aperture.Devices;
using Aperture.Drivers.Units;
using Aperture.Iommu;

namespace Aperture.Drivers.Tegra;

/// <summary>The SMMU in a memory controller: 4 or 128 address spaces for masters that it tells apart by their swgroups.</summary>
/// <remarks>Sequences after recorded driver behaviour; where this driver differs from the recorded one is in
/// docs/units/tegra-smmu.md.</remarks>
public sealed partial class TegraSmmuUnit : ContextUnit
{
    private readonly RegisterRegion _registers;
    private readonly RegisterRegion? _ahb; // the AHB arbiter, where there is one
    private readonly GateList _gates;      // the controller's clocks and resets
    private readonly TegraTables _tables;
    private readonly TegraDriverOptions _options;

    internal TegraSmmuUnit(Device device, IommuCore core, TegraSoc soc, TegraDriverOptions options, TegraTables tables)
        : base(device, core)
    {
        Soc = soc;
        _options = options;
        _tables = tables;
        _registers = device.Registers[0];
        _ahb = device.Registers.Count > 1 ? device.Registers[1] : null;
        _gates = new GateList([.. device.Clocks.Values, .. device.Resets.Values]);
        _domains = new IommuDomain?[soc.Asids];
        _enables = new uint[soc.Clients.Max(client => client.Id) / 32 + 1];
        HotResets = new TegraHotResets(this);
        Capabilities = new IommuCapabilities
        {
            PageSizes = Format.PageSizes,
            ApertureEnd = new Iova(uint.MaxValue),
            OutputBits = soc.AddressBits,
            HonouredProtection = Protection.ReadWrite,
            CanBypass = true,
            Contexts = soc.Asids,
        };
    }

    /// <summary>Which SoC it is in.</summary>
    public TegraSoc Soc { get; }

    /// <summary>The controller's hot resets, as reset lines.</summary>
    public TegraHotResets HotResets { get; }

    /// <inheritdoc/>
    public override IommuCapabilities Capabilities { get; }

    /// <inheritdoc/>
    public override int SpecifierCells => 1;

    /// <inheritdoc/>
    protected override DomainType Unattached => DomainType.Identity;

    private TegraFormat Format => new(Soc.AddressBits, _options.UsesSections);

    /// <inheritdoc/>
    /// <remarks>The one cell is the number of a swgroup; one that the SoC does not have is out of range.</remarks>
    public override Status Translate(ReadOnlySpan<uint> cells, out StreamId stream)
    {
        stream = default;
        if (cells.Length != 1)
            return Status.InvalidArgument;
        stream = new StreamId(cells[0]);
        return Soc.FindSwgroup(cells[0]) is null ? Status.OutOfRange : Status.Ok;
    }

    /// <inheritdoc/>
    public override MasterGrouping Grouping => new TegraMasterGrouping(Soc, _options.Grouping);

    /// <inheritdoc/>
    protected override IommuDomain MakeDomain(in DomainRequest request) =>
        new PagingDomain<TegraFormat>(request, Format, _tables, Core.Trace) { InvalidatesMaps = true };

    /// <inheritdoc/>
    public override bool Accepts(IommuDomain domain) =>
        domain is PagingDomain<TegraFormat> paging && paging.Table.Format.OutputBits == Soc.AddressBits;

    /// <inheritdoc/>
    protected override void PowerUp() => _gates.On();

    /// <inheritdoc/>
    protected override void PowerDown() => _gates.Off();

    /// <inheritdoc/>
    /// <remarks>Without its clock the controller lets nothing through.</remarks>
    protected override bool TryCutOff() => _gates.TrySwitchOff();

    /// <inheritdoc/>
    protected override void Reconnect() => _gates.On();
}
