using Aperture.Core;
using Aperture.Datasheets.Pci;

namespace Aperture.Hardware.Pci;

/// <summary>A bus and what is on it.</summary>
/// <remarks>Thread-safe once it hangs on a host; before that one thread fills it.</remarks>
public sealed class PciBus
{
    private readonly PciHost? _host; // of the root bus
    private readonly byte _first;    // its number
    private PciFunction[] _functions = []; // by place; replaced whole

    internal PciBus(PciHost host, byte number)
    {
        _host = host;
        _first = number;
        Kind = PciBusKind.Root;
    }

    internal PciBus(PciBridge bridge, PciBusKind kind)
    {
        Bridge = bridge;
        Kind = kind;
    }

    /// <summary>What it is.</summary>
    public PciBusKind Kind { get; }

    /// <summary>The bridge that leads to it; null of the root bus.</summary>
    public PciBridge? Bridge { get; }

    /// <summary>Its number, by what software gave the bridge; 0 before.</summary>
    public byte Number => Bridge?.Configuration.Get8(BridgeRegisters.SecondaryBus) ?? _first;

    /// <summary>What is on it, lowest device and function first.</summary>
    public IReadOnlyList<PciFunction> Functions => _functions;

    /// <summary>The host on which it hangs, be it behind bridges; null for none.</summary>
    internal PciHost? Host => _host ?? Bridge!.Host;

    /// <summary>Puts a function into a slot, in its state after power-on.</summary>
    /// <param name="function">The function; in no slot.</param>
    /// <param name="device">The device number, 0 to 31; 0 on a link.</param>
    /// <param name="number">The function's number, 0 to 7. Software finds the others only where there is a 0.</param>
    /// <exception cref="ApertureException"><see cref="Status.AlreadyExists"/>: something is there; <see cref="Status.InvalidArgument"/>:
    /// it cannot be there; <see cref="Status.Busy"/>: it is elsewhere.</exception>
    public void Add(PciFunction function, int device, int number = 0)
    {
        ArgumentNullException.ThrowIfNull(function);
        var place = (byte)new PciAddress(0, device, number).Place;
        if (WhyNot(function, device) is { } why)
            throw new ApertureException(Status.InvalidArgument, why);
        if (Host is { } host)
            host.Add(this, function, place);
        else
            Enter(function, place);
    }

    /// <summary>Takes a function, and what is behind it, out of its slot, whatever software does with it: a surprise removal. From then on
    /// its configuration space and its BARs are nobody's, and its accesses end in bus errors.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NotFound"/>: it is not on this bus, or a virtual one.</exception>
    public void Remove(PciFunction function)
    {
        ArgumentNullException.ThrowIfNull(function);
        if (function.Bus != this || function.IsVirtual)
            throw new ApertureException(Status.NotFound, $"function {function.Address} is not on bus {Number:x2}");
        if (Host is { } host)
            host.Remove(this, function);
        else
            Leave(function);
    }

    /// <summary>The function at a place.</summary>
    internal PciFunction? At(int place)
    {
        foreach (var function in _functions)
        {
            if (function.Place == place)
                return function;
        }

        return null;
    }

    internal void Enter(PciFunction function, byte place)
    {
        if (function.Bus is not null)
            throw new ApertureException(Status.Busy, $"the function is at {function.Address} already");
        if (At(place) is not null)
            throw new ApertureException(Status.AlreadyExists, $"there is a function at {new PciAddress((ushort)(Number << 8 | place))}");
        function.Enter(this, place);
        _functions = [.. _functions.Append(function).OrderBy(other => other.Place)];
    }

    internal void Leave(PciFunction function)
    {
        _functions = [.. _functions.Where(other => other != function)];
        function.Leave();
    }

    /// <summary>A virtual function comes; where its place is taken it does not.</summary>
    internal void EnterVirtual(PciFunction function, int place)
    {
        if (place <= byte.MaxValue && At(place) is null)
            Enter(function, (byte)place);
    }

    internal void LeaveVirtual(PciFunction function)
    {
        var host = Host;
        Leave(function);
        function.ResetState();
        host?.Forget(function);
    }

    private string? WhyNot(PciFunction function, int device)
    {
        if (function.IsVirtual)
            return "a virtual function comes with its function";
        if (Kind is PciBusKind.Link && device != 0)
            return $"there is no device {device} on a link of PCI Express: only device 0";
        var isPort = function is PciBridge;
        var kind = (function as PciBridge)?.Kind;
        return Kind switch
        {
            PciBusKind.Switch when kind != PciBridgeKind.DownstreamPort => "inside of a switch there are only its downstream ports",
            PciBusKind.Conventional when function.Options.Express is not null =>
                "a function of PCI Express has no place on a conventional bus",
            PciBusKind.Link when isPort && kind is not (PciBridgeKind.UpstreamPort or PciBridgeKind.ExpressToPci) =>
                $"a {kind} has no place on a link of PCI Express",
            PciBusKind.Root when isPort && kind is not (PciBridgeKind.RootPort or PciBridgeKind.PciToPci) =>
                $"a {kind} has no place in the root complex",
            PciBusKind.Conventional when isPort && kind != PciBridgeKind.PciToPci => $"a {kind} has no place on a conventional bus",
            PciBusKind.Link when function.Options.Express is null => "a conventional function has no place on a link of PCI Express",
            _ => null,
        };
    }
}
