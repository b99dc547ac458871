using Aperture.Conformance.Models;
using Aperture.Conformance.Vectors;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.Rockchip;
using Aperture.Devices;
using Aperture.Drivers.Rockchip;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Conformance.Drivers;

/// <summary>Rockchip IOMMUs.</summary>
public class RockchipDriverFamily : DriverFamily
{
    /// <inheritdoc/>
    public override ModelFamily Models { get; } = new RockchipModelFamily();

    /// <inheritdoc/>
    public override bool CountsRunsAsPages => true;

    /// <inheritdoc/>
    public override bool LeavesEntriesBehind => true;

    /// <inheritdoc/>
    public override bool RetriesUnhandledFaults => true;

    /// <inheritdoc/>
    /// <remarks>The unit's clocks are its master's, who holds them while it works, whatever the unit's driver does.</remarks>
    public override bool CanTranslate(TranslationUnit model) => model is { IsPowered: true, IsInReset: false };

    /// <inheritdoc/>
    public override bool RegistersFollowCommands => true;

    /// <inheritdoc/>
    public override int LargestPageShift => RockchipMmuEntry.DirectoryShift;

    /// <inheritdoc/>
    public override IDriver CreateDriver(IommuCore core, Func<string, UnitFacts> facts) =>
        new Driver(new RockchipIommuDriver(core, new RecordedClock()), facts);

    /// <inheritdoc/>
    public override IEnumerable<string> Clocks(VectorEvent probe) => ["aclk", "iface"];

    /// <inheritdoc/>
    public override void CheckProbe(ReplayPart part, VectorEvent probe, IommuUnit unit)
    {
        ArgumentNullException.ThrowIfNull(part);
        ArgumentNullException.ThrowIfNull(probe);
        ArgumentNullException.ThrowIfNull(unit);
        part.CheckNumber(probe.Line, "MMUs that work as one", probe.Number("banks"), unit.Device.Registers.Count);
    }

    /// <inheritdoc/>
    public override IPageTableFormat Format(IommuDomain domain, ulong? zeroTable) => ((PagingDomain<RockchipFormat>)domain).Table.Format;

    /// <inheritdoc/>
    public override ulong Root(IommuDomain domain) => ((PagingDomain<RockchipFormat>)domain).Table.Root.Value;

    /// <inheritdoc/>
    public override IEnumerable<ControlRegister> Controls(TranslationUnit model) =>
    [
        new("STATUS", RockchipMmuRegister.Status, RockchipMmuStatus.PagingBit | RockchipMmuStatus.StallBit),
        new("INT_MASK", RockchipMmuRegister.InterruptMask, (uint)RockchipMmuInterrupts.All),
        new("DTE_ADDR", RockchipMmuRegister.TableBase, uint.MaxValue, OnlyWhileTranslating: true, IsTableBase: true),
    ];

    /// <inheritdoc/>
    public override bool IsTranslating(Func<uint, uint> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        return new RockchipMmuStatus(read(RockchipMmuRegister.Status)) is { IsPaging: true, IsStalled: false, IsFaulting: false };
    }

    /// <inheritdoc/>
    public override IEnumerable<uint> FaultState(TranslationUnit model) =>
        [RockchipMmuRegister.RawStatus, RockchipMmuRegister.FaultAddress, RockchipMmuRegister.Status];

    /// <inheritdoc/>
    public override void UndoFault(TranslationUnit model, IReadOnlyDictionary<uint, uint> state)
    {
        ArgumentNullException.ThrowIfNull(state);
        foreach (var (offset, value) in state)
            Models.Poke(model, offset, value);
    }

    /// <inheritdoc/>
    public override bool IsBusError(VectorEvent read)
    {
        ArgumentNullException.ThrowIfNull(read);
        return read.Word("off") == RockchipMmuRegister.InterruptStatus && (read.Word("val") & (uint)RockchipMmuInterrupts.BusError) != 0;
    }

    /// <summary>Reads the description from the recording instead of a device tree.</summary>
    private sealed class Driver(RockchipIommuDriver driver, Func<string, UnitFacts> facts) : IDriver
    {
        public string Name => driver.Name;

        public IReadOnlyList<string> Compatible => driver.Compatible;

        public IBoundDriver Probe(Device device)
        {
            var unit = facts(device.Name);
            var isWide = RockchipModelFamily.IsWide(unit);
            // Version 2 was recorded with tables above 4 GiB.
            return driver.Probe(device, new RockchipIommuDescription(isWide, unit.Probe!.Flag("disableReset"), isWide ? 40 : 32));
        }
    }
}
