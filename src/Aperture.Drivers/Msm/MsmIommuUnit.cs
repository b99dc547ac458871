using Aperture.Core;
using Aperture.Core.Threading;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.Msm;
using Aperture.Devices;
using Aperture.Drivers.Units;
using Aperture.Iommu;

namespace Aperture.Drivers.Msm;

/// <summary>One MSM IOMMU. Each domain in force has a context bank, to which the machine IDs of its masters lead; a bank's number is
/// its ASID. Identity is a bank that does not translate; blocked masters lead to no bank.</summary>
/// <remarks>Sequences after recorded driver behaviour; where this driver differs from the recorded one is in docs/units/msm-iommu.md.</remarks>
public sealed partial class MsmIommuUnit : IommuUnit, IBoundDriver
{
    private static readonly ArmShortFormat s_format = new(new ArmShortOptions());

    private readonly GatedLock _lock = new(LockRank.Registers); // held around each sequence of register accesses and each change of the books
    private readonly IommuCore _core;
    private readonly RegisterRegion _registers;
    private readonly MsmClocks _clocks;
    private readonly MsmContext[] _contexts;           // the banks that are ours, by number
    private readonly List<MsmPlace> _places = [];      // masters, the one attached last at the end
    private bool _isActive;                            // runtime-active: the registers answer
    private bool _isAstray;                            // registers may disagree with the books: a sequence was cut off by a bus error

    internal MsmIommuUnit(Device device, IommuCore core, MsmIommuDescription description, MsmClocks clocks)
        : base(device)
    {
        _core = core;
        _registers = device.Registers[0];
        _clocks = clocks;
        _contexts = [.. Enumerable.Range(description.ReservedBanks, description.Banks - description.ReservedBanks).Select(number => new MsmContext(number))];
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
    public override IommuDomain CreateDomain(DomainType type) => new PagingDomain<ArmShortFormat>(type, s_format, _core.Tables, _core.Trace);

    /// <inheritdoc/>
    public override Status Attach(Device master, ReadOnlySpan<StreamId> streams, IommuDomain domain)
    {
        ArgumentNullException.ThrowIfNull(master);
        ArgumentNullException.ThrowIfNull(domain);
        if (domain.IsPaging && (domain is not PagingDomain<ArmShortFormat> paging || !paging.Table.Format.Equals(s_format)))
            return Status.InvalidArgument;
        using (_lock.Hold())
        {
            var place = _places.Find(place => place.Master == master);
            if (place?.Context is { } present && present.Domain == domain)
                return TryMend();
            place ??= new MsmPlace(master, streams.ToArray(), null);
            if (domain.Type == DomainType.Blocked)
                return Move(place, null, null);
            return TryChoose(domain, place) is { } context ? Move(place, context, domain) : Status.NoSpace;
        }
    }

    /// <inheritdoc/>
    public override void RemoveMaster(Device master)
    {
        using (_lock.Hold())
        {
            if (_places.Find(place => place.Master == master) is not { } place)
                return;
            if (place.Context is not null)
                Move(place, null, null);
            _places.RemoveAll(other => other.Master == master);
        }
    }

    /// <inheritdoc/>
    public void Remove() => RuntimeSuspend();
}
