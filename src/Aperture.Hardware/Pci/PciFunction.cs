using Aperture.Core;
using Aperture.Datasheets.Pci;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Pci;

/// <summary>A function of a PCI device: configuration space, BARs with register blocks, interrupts, and the way of its blocks to memory.
/// A block is made for <see cref="Port"/>, put into a BAR (<see cref="AddBar"/>) and its line connected
/// (<see cref="Connect"/>).</summary>
/// <remarks>
/// <para>Configuration space takes any number of threads; a block takes those that it takes elsewhere.</para>
/// <para>The port is open while software lets the function and every bridge above it be bus master, in D0, and while it is in its slot.
/// What it accesses elsewhere is a <see cref="DmaStatus.BusError"/>.</para>
/// <para>Resets, D3hot and removal reach the blocks that are <see cref="BusDevice"/>s: as a reset, a clock that stands, and a loss of
/// power.</para>
/// </remarks>
public partial class PciFunction
{
    private readonly List<PciCapability> _capabilities = [];
    private readonly byte _header;
    private PciPortState _wanted; // of the port, as configuration spaces say; guarded by the host's lock
    private PciPortState _applied; // as the port is; guarded by the host's lock of ports

    /// <summary>A function that is no bridge.</summary>
    /// <param name="bus">The bus on the other side of its host.</param>
    /// <param name="identity">What it says of itself.</param>
    /// <param name="options">What it can do; an endpoint of PCI Express with an INTA pin when null.</param>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: there is no such function.</exception>
    public PciFunction(SystemBus bus, PciIdentity identity, PciFunctionOptions? options = null)
        : this(bus, identity, options ?? new PciFunctionOptions(), PciRegisters.EndpointHeader)
    {
    }

    private protected PciFunction(SystemBus bus, PciIdentity identity, PciFunctionOptions options, byte header)
    {
        ArgumentNullException.ThrowIfNull(identity);
        identity.Validate();
        options.Validate();
        Identity = identity;
        Options = options;
        _header = header;
        Port = new DmaPort(bus);
        Port.Close();
        DefineHeader();
        AddCapabilities();
    }

    /// <summary>What it says of itself.</summary>
    public PciIdentity Identity { get; }

    /// <summary>What it can do.</summary>
    public PciFunctionOptions Options { get; }

    /// <summary>Its registers, for whoever makes a function of its own or watches one.</summary>
    public ConfigurationSpace Configuration { get; } = new();

    /// <summary>Its way to memory, for its blocks. Closed until software lets the function be bus master.</summary>
    public DmaPort Port { get; }

    /// <summary>The bus on which it is; null while it is nowhere.</summary>
    public PciBus? Bus { get; private set; }

    /// <summary>Device and function on its bus, as the lower half of a <see cref="PciAddress"/>.</summary>
    public byte Place { get; private set; }

    /// <summary>Where it is, by the bus numbers that software has given.</summary>
    public PciAddress Address => new((ushort)((Bus?.Number ?? 0) << 8 | Place));

    /// <summary>Whether its power state is D0.</summary>
    public bool IsOn => _power is null || _power.State == 0;

    /// <summary>Whether it is a virtual function.</summary>
    public bool IsVirtual => Physical is not null;

    /// <summary>The function whose virtual function it is; null of one that is none.</summary>
    internal PciFunction? Physical { get; private set; }

    /// <summary>Its host; null while it is nowhere.</summary>
    internal PciHost? Host => Bus?.Host;

    internal PciCommand Command => (PciCommand)Configuration.Get16(PciRegisters.Command);

    /// <summary>Called after each reset of the function and its blocks, when no lock is held.</summary>
    protected virtual void OnReset()
    {
    }

    /// <summary>It is in a slot now.</summary>
    internal void Enter(PciBus bus, byte place) => (Bus, Place) = (bus, place);

    /// <summary>It is in no slot any more.</summary>
    internal void Leave() => Bus = null;

    /// <summary>Says how the port has to be.</summary>
    internal void Want(in PciPortState state) => _wanted = state;

    /// <summary>Lets the port be as it has to be. Waits for accesses of other threads.</summary>
    internal void ApplyPort()
    {
        var wanted = _wanted;
        if (wanted == _applied)
            return;
        if (wanted.Upstream is not { } upstream)
        {
            Port.Close();
        }
        else
        {
            if (upstream != _applied.Upstream)
                Port.LeadTo(upstream.Unit, upstream.Stream, upstream.Windows, upstream.IsCoherent);
            Port.SetPeers(wanted.Peers);
            Port.Open();
        }

        _applied = wanted;
    }

    /// <summary>Makes it a virtual function: its identity and its BARs are the other's affair.</summary>
    internal void BecomeVirtual(PciFunction physical)
    {
        Physical = physical;
        Configuration.Define16(PciRegisters.Vendor, PciRegisters.NoVendor);
        Configuration.Define16(PciRegisters.Device, PciRegisters.NoVendor);
        Configuration.Define8(PciRegisters.InterruptPin, 0);
        Configuration.Define16(PciRegisters.Command, 0, (ushort)PciCommand.BusMaster);
        for (var bar = 0; bar < PciRegisters.Bars; bar++)
            Configuration.Define32(PciRegisters.Bar0 + (4 * (uint)bar), 0);
    }

    private void DefineHeader()
    {
        Configuration.Define16(PciRegisters.Vendor, Identity.Vendor);
        Configuration.Define16(PciRegisters.Device, Identity.Device);
        const PciCommand command = PciCommand.MemorySpace | PciCommand.BusMaster | PciCommand.ParityErrors | PciCommand.SystemErrors
            | PciCommand.InterruptDisable;
        Configuration.Define16(PciRegisters.Command, 0, (ushort)command);
        Configuration.Define16(PciRegisters.Status, 0, 0, (ushort)PciStatus.Errors);
        Configuration.Define32(PciRegisters.Revision, Identity.ClassCode << 8 | Identity.Revision);
        Configuration.Define8(PciRegisters.CacheLine, 0, byte.MaxValue);
        Configuration.Define8(PciRegisters.HeaderType, _header);
        Configuration.Define8(PciRegisters.InterruptLine, 0, byte.MaxValue);
        Configuration.Define8(PciRegisters.InterruptPin, Options.InterruptPin);
        if (_header != PciRegisters.EndpointHeader)
            return;
        Configuration.Define16(PciRegisters.SubsystemVendor, Identity.SubsystemVendor);
        Configuration.Define16(PciRegisters.Subsystem, Identity.SubsystemDevice);
    }

    private void AddCapabilities()
    {
        if (Options.Express is { } kind)
            _capabilities.Add(Express = new ExpressCapability(Configuration, kind, Options.CanReset));
        if (Options.HasPowerManagement)
            _capabilities.Add(_power = new PowerCapability(Configuration, Options.KeepsStateInD3));
        if (Options.MsiVectors > 0)
            _capabilities.Add(_msi = new MsiCapability(Configuration, Port, Options.MsiVectors));
        if (Options.MsixVectors > 0)
        {
            var table = new MsixTable(Port, Options.MsixVectors);
            AddBar(Options.MsixBar, new PciBar(table));
            _capabilities.Add(_msix = new MsixCapability(Configuration, table, Options.MsixBar));
        }

        if (Options.Acs != AcsFlags.None)
            _capabilities.Add(_acs = new AcsCapability(Configuration, Options.Acs));
        if (Options.HasAts)
            _capabilities.Add(_ats = new AtsCapability(Configuration, OnTranslationsSwitched));
        if (Options.PageRequests > 0)
            _capabilities.Add(_pri = new PriCapability(Configuration, Options.PageRequests));
        if (Options.PasidBits > 0)
            _capabilities.Add(_pasids = new PasidCapability(Configuration, Options.PasidBits));
        if (Options.Sriov is { } sriov)
            _capabilities.Add(_sriov = new SriovCapability(this, sriov));
    }
}

/// <summary>How a function's port is.</summary>
/// <param name="Upstream">Where it leads; null while it is closed.</param>
/// <param name="Peers">Whom the function reaches before that; null for nobody.</param>
internal readonly record struct PciPortState(PciUpstream? Upstream, PciPeers? Peers);
