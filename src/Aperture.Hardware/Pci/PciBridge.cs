using Aperture.Core;
using Aperture.Datasheets.Pci;
using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Pci;

/// <summary>A bridge or port: a function with a bus behind it, and the windows by which it is reached.</summary>
public sealed class PciBridge : PciFunction
{
    /// <summary>A bridge.</summary>
    /// <param name="bus">The bus on the other side of its host.</param>
    /// <param name="kind">What it is.</param>
    /// <param name="acs">The access control services that it has; of root and downstream ports only.</param>
    /// <param name="hasSlot">Whether what is behind it may come and go; of root and downstream ports only. It has one vector of MSI
    /// then.</param>
    /// <param name="identity">What it says of itself; vendor 0x1B36 (used by virtual machines) and a device of no account when
    /// null.</param>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: there is no such bridge.</exception>
    public PciBridge(SystemBus bus, PciBridgeKind kind, AcsFlags acs = AcsFlags.None, bool hasSlot = false, PciIdentity? identity = null)
        : base(bus, (identity ?? new PciIdentity(0x1B36, (ushort)(0xA0 + kind))) with { ClassCode = BridgeRegisters.ClassCode },
            OptionsOf(kind, acs, hasSlot), PciRegisters.BridgeHeader)
    {
        Kind = kind;
        Secondary = new PciBus(this, kind switch
        {
            PciBridgeKind.UpstreamPort => PciBusKind.Switch,
            PciBridgeKind.ExpressToPci or PciBridgeKind.PciToPci => PciBusKind.Conventional,
            _ => PciBusKind.Link,
        });
        if (hasSlot)
            Express!.AddSlot();
        DefineRegisters();
    }

    /// <summary>What it is.</summary>
    public PciBridgeKind Kind { get; }

    /// <summary>The bus right behind it.</summary>
    public PciBus Secondary { get; }

    /// <summary>The last bus behind it, as software says.</summary>
    public byte SubordinateNumber => Configuration.Get8(BridgeRegisters.SubordinateBus);

    /// <summary>Whether it is a root port or a downstream port: what access control is about.</summary>
    internal bool IsPort => Kind is PciBridgeKind.RootPort or PciBridgeKind.DownstreamPort;

    /// <summary>Whether it passes on what is in its windows.</summary>
    internal bool PassesDown => IsOn && (Command & PciCommand.MemorySpace) != 0 && !HoldsReset;

    /// <summary>Whether it passes on what comes from behind.</summary>
    internal bool PassesUp => IsOn && (Command & PciCommand.BusMaster) != 0 && !HoldsReset;

    /// <summary>Whether everything behind it is in reset.</summary>
    internal bool HoldsReset => (Configuration.Get16(BridgeRegisters.Control) & BridgeRegisters.SecondaryReset) != 0;

    /// <summary>The number that accesses from behind get here; null where they keep theirs.</summary>
    internal PciAddress? Alias => Kind switch
    {
        PciBridgeKind.ExpressToPci => new PciAddress((ushort)(Secondary.Number << 8)),
        PciBridgeKind.PciToPci => Address,
        _ => null,
    };

    /// <summary>Whether configuration accesses to a bus go this way.</summary>
    internal bool LeadsTo(int bus) =>
        IsOn && !HoldsReset && Secondary.Number is var first and > 0 && bus >= first && bus <= SubordinateNumber;

    /// <summary>Its windows: the first and the last address of each.</summary>
    internal IEnumerable<(ulong First, ulong Last)> Windows()
    {
        var (first, last) = Window(BridgeRegisters.MemoryBase, BridgeRegisters.MemoryLimit);
        if (first <= last)
            yield return (first, last);
        (first, last) = Window(BridgeRegisters.PrefetchableBase, BridgeRegisters.PrefetchableLimit);
        first |= (ulong)Configuration.Get32(BridgeRegisters.PrefetchableUpperBase) << 32;
        last |= (ulong)Configuration.Get32(BridgeRegisters.PrefetchableUpperLimit) << 32;
        if (first <= last)
            yield return (first, last);
    }

    private protected override ConfigurationEffects AfterWrite(in ConfigurationWrite write)
    {
        var isReset = write.Has(BridgeRegisters.Control, BridgeRegisters.SecondaryReset);
        return isReset ? ConfigurationEffects.SecondaryReset : ConfigurationEffects.None;
    }

    private (ulong First, ulong Last) Window(uint firstRegister, uint lastRegister)
    {
        var first = (ulong)(Configuration.Get16(firstRegister) & BridgeRegisters.WindowMask) << 16;
        var last = (ulong)(Configuration.Get16(lastRegister) & BridgeRegisters.WindowMask) << 16;
        return (first, last | (BridgeRegisters.WindowGrain - 1));
    }

    private void DefineRegisters()
    {
        Configuration.Define8(BridgeRegisters.PrimaryBus, 0, byte.MaxValue);
        Configuration.Define8(BridgeRegisters.SecondaryBus, 0, byte.MaxValue);
        Configuration.Define8(BridgeRegisters.SubordinateBus, 0, byte.MaxValue);
        Configuration.Define16(BridgeRegisters.SecondaryStatus, 0, 0, (ushort)PciStatus.Errors);
        Configuration.Define16(BridgeRegisters.MemoryBase, 0, BridgeRegisters.WindowMask);
        Configuration.Define16(BridgeRegisters.MemoryLimit, 0, BridgeRegisters.WindowMask);
        const ushort wide = 1; // the window has upper halves
        Configuration.Define16(BridgeRegisters.PrefetchableBase, wide, BridgeRegisters.WindowMask);
        Configuration.Define16(BridgeRegisters.PrefetchableLimit, wide, BridgeRegisters.WindowMask);
        Configuration.Define32(BridgeRegisters.PrefetchableUpperBase, 0, uint.MaxValue);
        Configuration.Define32(BridgeRegisters.PrefetchableUpperLimit, 0, uint.MaxValue);
        Configuration.Define16(BridgeRegisters.Control, 0, BridgeRegisters.SecondaryReset);
    }

    private static PciFunctionOptions OptionsOf(PciBridgeKind kind, AcsFlags acs, bool hasSlot)
    {
        var isPort = kind is PciBridgeKind.RootPort or PciBridgeKind.DownstreamPort;
        if (!isPort && (acs != AcsFlags.None || hasSlot))
            throw new ApertureException(Status.InvalidArgument, $"a {kind} has neither access control services nor a slot");
        return new PciFunctionOptions
        {
            Express = kind switch
            {
                PciBridgeKind.RootPort => ExpressPort.RootPort,
                PciBridgeKind.UpstreamPort => ExpressPort.UpstreamPort,
                PciBridgeKind.DownstreamPort => ExpressPort.DownstreamPort,
                PciBridgeKind.ExpressToPci => ExpressPort.ExpressToPci,
                _ => null,
            },
            InterruptPin = hasSlot ? (byte)1 : (byte)0,
            MsiVectors = hasSlot ? 1 : 0,
            Acs = acs,
        };
    }
}
