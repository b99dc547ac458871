using System.Globalization;
using Aperture.Acpi;
using Aperture.Acpi.Dmar;
using Aperture.Acpi.Iort;
using Aperture.Acpi.Ivrs;
using Aperture.Acpi.Rimt;
using Aperture.Acpi.Viot;
using Aperture.Core;
using Aperture.Iommu;

namespace Aperture.Firmware;

/// <summary>ACPI's view of the masters: IORT, DMAR, IVRS, VIOT and RIMT. A unit stands for itself by its node of a table; its cells are one
/// number, the id that accesses carry there. Devices are named by their path in the name space (a <see cref="string"/>), buses by an
/// <see cref="AcpiPciSegment"/>.</summary>
public sealed partial class AcpiFirmware : IFirmware
{
    private readonly AcpiTableSet _tables;

    /// <summary>The view of a machine's tables.</summary>
    public AcpiFirmware(AcpiTableSet tables)
    {
        ArgumentNullException.ThrowIfNull(tables);
        _tables = tables;
    }

    /// <summary>The units, in the order of the tables; one that AMD's tables describe in several blocks is there once, by its
    /// highest.</summary>
    public IEnumerable<AcpiNode> Units => _tables.Tables.SelectMany<AcpiTable, AcpiNode>(table => table switch
    {
        IortTable iort => iort.Nodes.Where(node => node is IortSmmu or IortSmmuV3),
        DmarTable dmar => dmar.Nodes.OfType<DmarUnit>(),
        IvrsTable ivrs => ivrs.Nodes.OfType<IvrsUnit>().GroupBy(unit => (unit.Segment, unit.DeviceId, unit.Address))
            .Select(block => block.MaxBy(unit => unit.Type)!),
        RimtTable rimt => rimt.Nodes.OfType<RimtUnit>(),
        ViotTable viot => viot.Nodes.Where(node => node is ViotPciUnit or ViotMmioUnit),
        _ => [],
    });

    /// <summary>What messages call a unit.</summary>
    /// <param name="unit">A node that describes one.</param>
    public static string NameOf(AcpiNode unit) => unit switch
    {
        IortSmmu smmu => string.Create(CultureInfo.InvariantCulture, $"smmu@{smmu.Address:x}"),
        IortSmmuV3 smmu => string.Create(CultureInfo.InvariantCulture, $"smmuv3@{smmu.Address:x}"),
        DmarUnit unit0 => string.Create(CultureInfo.InvariantCulture, $"vt-d@{unit0.Address:x}"),
        IvrsUnit amd => string.Create(CultureInfo.InvariantCulture, $"amd-vi@{amd.Address:x}"),
        RimtUnit { IsPci: true } riscv => $"riscv-iommu {Pci(riscv.Segment, riscv.Function)}",
        RimtUnit riscv => string.Create(CultureInfo.InvariantCulture, $"riscv-iommu@{riscv.Address:x}"),
        ViotPciUnit virtio => $"virtio-iommu {Pci(virtio.Segment, virtio.Function)}",
        ViotMmioUnit virtio => string.Create(CultureInfo.InvariantCulture, $"virtio-iommu@{virtio.Address:x}"),
        _ => throw new ApertureException(Status.InvalidArgument, $"a {unit?.GetType().Name} is no IOMMU"),
    };

    /// <inheritdoc/>
    public MasterIdentity Identify(object device)
    {
        var path = device as string
            ?? throw new ApertureException(Status.InvalidArgument, $"{device} is no path in the name space of ACPI");
        var found = new Found();
        foreach (var table in _tables.Tables)
        {
            switch (table)
            {
                case IortTable iort:
                    FindNamed(iort, path, found);
                    break;
                case DmarTable dmar:
                    FindNamed(dmar, path, found);
                    break;
                case RimtTable rimt:
                    FindNamed(rimt, path, found);
                    break;
            }
        }

        return found.ToIdentity([]);
    }

    /// <inheritdoc/>
    public MasterIdentity Identify(object bus, uint id, params ReadOnlySpan<uint> aliases)
    {
        var segment = bus as AcpiPciSegment
            ?? throw new ApertureException(Status.InvalidArgument, $"{bus} is no PCI segment");
        var found = new Found();
        Find(segment, id, found);
        foreach (var alias in aliases)
            Find(segment, alias, found);
        return found.IsKnown ? found.ToIdentity(aliases.ToArray()) : throw new ApertureException(
            Status.NoDevice, $"no table says anything about PCI segment {segment.Number}, so nothing is known of id 0x{id:x}");
    }

    private void Find(AcpiPciSegment segment, uint id, Found found)
    {
        if (id > ushort.MaxValue)
            throw new ApertureException(Status.InvalidArgument, $"0x{id:x} is no requester id: those have 16 bits");
        foreach (var table in _tables.Tables)
        {
            switch (table)
            {
                case IortTable iort:
                    Find(iort, segment, id, found);
                    break;
                case DmarTable dmar:
                    Find(dmar, segment, (ushort)id, found);
                    break;
                case IvrsTable ivrs:
                    Find(ivrs, segment, (ushort)id, found);
                    break;
                case ViotTable viot:
                    Find(viot, segment, (ushort)id, found);
                    break;
                case RimtTable rimt:
                    Find(rimt, segment, id, found);
                    break;
            }
        }
    }

    private static string Pci(ushort segment, ushort function) => string.Create(
        CultureInfo.InvariantCulture, $"{segment:x4}:{function >> 8:x2}:{function >> 3 & 31:x2}.{function & 7}");

    private static ApertureException Wrong(string table, AcpiNode node, string what) =>
        new(Status.InvalidArgument, $"{table} at offset 0x{node.Offset:x}: {what}");

    /// <summary>What tables say of one master.</summary>
    private sealed class Found
    {
        private const int MaxIds = ushort.MaxValue + 1;

        private readonly List<IommuSpecifier> _units = [];
        private readonly HashSet<(AcpiNode Unit, uint Id)> _known = [];
        private readonly List<IovaReservation> _reservations = [];

        /// <summary>Whether a table says anything about the master's bus.</summary>
        public bool IsKnown { get; set; }

        /// <summary>Bits of its process ids.</summary>
        public int PasidBits { get; set; }

        /// <summary>Whether it may use translations of its own.</summary>
        public bool IsAtsAllowed { get; set; }

        public void Add(AcpiNode unit, uint id)
        {
            IsKnown = true;
            if (!_known.Add((unit, id)))
                return;
            if (_known.Count > MaxIds)
                throw new ApertureException(Status.InvalidArgument, $"a device has more than {MaxIds} ids at {NameOf(unit)}");
            _units.Add(new IommuSpecifier(unit, NameOf(unit), [id]));
        }

        public void Reserve(ulong first, ulong last, ReservationKind kind, Protection protection)
        {
            var reservation = new IovaReservation(new Iova(first), new Iova(last), kind, protection);
            if (!_reservations.Contains(reservation))
                _reservations.Add(reservation);
        }

        public bool Has(AcpiNode unit, ulong firstId, ulong lastId) =>
            _units.Exists(known => known.Unit == unit && known.Cells[0] >= firstId && known.Cells[0] <= lastId);

        public MasterIdentity ToIdentity(uint[] aliases) => _units.Count == 0 ? MasterIdentity.None
            : new MasterIdentity
            {
                Units = _units,
                Aliases = aliases,
                PasidBits = PasidBits,
                IsAtsAllowed = IsAtsAllowed,
                Reservations = _reservations,
            };
    }
}
