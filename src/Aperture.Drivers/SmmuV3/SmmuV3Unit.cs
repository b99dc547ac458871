using Aperture.Core;
using Aperture.Datasheets.SmmuV3;
using Aperture.Devices;
using Aperture.Drivers.Units;
using Aperture.Iommu;

namespace Aperture.Drivers.SmmuV3;

/// <summary>One SMMUv3. Each stream has an entry in a table, which leads to a domain's context descriptor (stage 1), to its tables (stage
/// 2), past the unit or nowhere; a master with processes has a table of context descriptors.</summary>
/// <remarks>What this driver does otherwise than others is in docs/units/arm-smmu-v3.md.</remarks>
public sealed partial class SmmuV3Unit : ProgrammedUnit
{
    private static readonly IovaReservation s_doorbells = new(new Iova(0x0800_0000), new Iova(0x080F_FFFF), ReservationKind.SoftwareMsi);

    private readonly RegisterRegion _registers;
    private readonly SmmuV3Identity _identity;
    private readonly SmmuV3DriverOptions _options;
    private readonly TimeProvider _time;
    private readonly SmmuV3StreamTable _streams;
    private readonly SmmuV3CommandQueue _commands;
    private readonly SmmuV3RecordQueue _events;
    private readonly SmmuV3RecordQueue? _requests; // null where the unit has no page requests

    internal SmmuV3Unit(Device device, IommuCore core, SmmuV3Identity identity, SmmuV3DriverOptions options, TimeProvider time)
        : base(device, core)
    {
        (_identity, _options, _time) = (identity, options, time);
        _registers = device.Registers[0];
        _asids = new SmmuV3Numbers(identity.LastAsid);
        _vmids = new SmmuV3Numbers(identity.LastVmid);
        var tables = core.Tables;
        _streams = new SmmuV3StreamTable(tables, identity);
        _commands = new SmmuV3CommandQueue(Name, _registers, tables, identity, options, time);
        _events = SmmuV3RecordQueue.Events(_registers, tables, identity, options);
        _requests = SmmuV3RecordQueue.PageRequests(_registers, tables, identity, options);
        Memory = new Release(this);
        WasOn = (_registers.Read32(SmmuV3Register.Cr0Ack) & (uint)SmmuV3Control.Translates) != 0;
        Capabilities = MakeCapabilities();
    }

    /// <inheritdoc/>
    public override IommuCapabilities Capabilities { get; }

    /// <inheritdoc/>
    public override int SpecifierCells => 1;

    /// <inheritdoc/>
    /// <remarks>Doorbells are translated like all else. Where software puts them is its own choice: that which systems with this unit have
    /// made (recorded behaviour), so that owners of groups who know it keep out of it.</remarks>
    public override IEnumerable<IovaReservation> ReservationsOf(Device master) => [s_doorbells];

    /// <summary>Whether the unit translated before this driver came: somebody left it on, and it was taken over. What it let through is
    /// aborted until its masters are in domains.</summary>
    public bool WasOn { get; }

    /// <summary>SYNC commands that were waited for.</summary>
    public ulong Syncs => _commands.Syncs;

    /// <summary>How often the command queue was full.</summary>
    public ulong FullQueues => _commands.TimesFull;

    /// <summary>Commands that the unit refused or could not read, and devices that did not answer.</summary>
    public ulong CommandErrors => _commands.Errors;

    /// <summary>How often events were lost because their queue was full.</summary>
    public ulong EventOverflows => _events.Overflows;

    /// <summary>How often page requests were lost so.</summary>
    public ulong PageRequestOverflows => _requests?.Overflows ?? 0;

    /// <summary>Gives tables and queues back when it is disposed.</summary>
    internal IDisposable Memory { get; }

    /// <inheritdoc/>
    /// <remarks>The one cell is the number of a stream; one that has more bits than the unit, or than the driver's table, is out of
    /// range.</remarks>
    public override Status Translate(ReadOnlySpan<uint> cells, out StreamId stream)
    {
        var status = base.Translate(cells, out stream);
        if (status != Status.Ok)
            return status;
        stream = new StreamId(cells[0]);
        return (ulong)cells[0] >> _identity.StreamBits == 0 ? Status.Ok : Status.OutOfRange;
    }

    private IommuCapabilities MakeCapabilities()
    {
        var format = _identity.FormatOf(isStage2: !_identity.HasStage1, 0, tracksDirty: false);
        return new IommuCapabilities
        {
            PageSizes = format.PageSizes,
            ApertureEnd = new Iova(ulong.MaxValue >> (64 - format.InputBits)),
            OutputBits = format.OutputBits,
            HonouredProtection = Protection.Write | Protection.NoExecute
                | (_identity.HasStage1 ? Protection.Privileged : Protection.Read),
            CoherentWalks = _identity.IsCoherent,
            CanBypass = true,
            CanBlock = true,
            CanStall = _identity.MustStall,
            Contexts = _identity.HasStage1 ? _identity.LastAsid : _identity.LastVmid,
            Pasids = _identity.SubstreamBits == 0 ? 0 : 1 << _identity.SubstreamBits,
            Stages = (_identity.HasStage1 ? TranslationStages.First : 0) | (_identity.HasStage2 ? TranslationStages.Second : 0),
            Nesting = _identity.HasStage1 && _identity.HasStage2,
            SharedTables = _identity.HasStage1,
            PageRequests = _identity.HasPageRequests || _identity.CanStall,
            DirtyTracking = _identity.MarksDirty,
        };
    }

    /// <summary>What is given back when the driver lets go. A unit that may still read or write it keeps it.</summary>
    private sealed class Release(SmmuV3Unit unit) : IDisposable
    {
        public void Dispose()
        {
            if (unit.NeedsReprogram || unit.IsActive)
                return;
            unit.FreeRetired();
            unit._streams.Free();
            unit._commands.Free();
            unit._events.Free();
            unit._requests?.Free();
        }
    }
}
