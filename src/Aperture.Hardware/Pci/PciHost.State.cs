using Aperture.Core.Threading;
using Aperture.Datasheets.Pci;

namespace Aperture.Hardware.Pci;

// What follows from configuration spaces, and from what is in the slots.
public sealed partial class PciHost
{
    private readonly HashSet<PciFunction> _gone = []; // whose ports are to be closed; guarded by the lock

    internal void Add(PciBus bus, PciFunction function, byte place)
    {
        using (_lock.Hold())
        {
            bus.Enter(function, place);
            foreach (var other in FunctionsOf(function))
                other.ResetState();

            Announce(bus, true);
            Refresh();
        }

        foreach (var block in FunctionsOf(function).SelectMany(other => other.Blocks))
            block.SetPower(true);
        Apply([]);
    }

    internal void Remove(PciBus bus, PciFunction function)
    {
        List<PciFunction> gone;
        using (_lock.Hold())
        {
            gone = [.. FunctionsOf(function)];
            var virtuals = gone.SelectMany(other => other.VirtualFunctions);
            gone.AddRange([.. virtuals.Where(other => other.Bus is not null && !gone.Contains(other))]);
            foreach (var other in gone.ToArray())
            {
                other.ResetState(); // virtual functions go with it
                Forget(other);
            }

            bus.Leave(function);

            Announce(bus, bus.Functions.Count > 0);
            Refresh();
            LookAtLinesHeld();
        }

        Apply([]);
        foreach (var block in gone.SelectMany(other => other.Blocks))
            block.SetPower(false);
    }

    /// <summary>A function's port is to be closed when the lock has been let go. The lock is held.</summary>
    internal void Forget(PciFunction function)
    {
        function.Want(default);
        _gone.Add(function);
    }

    /// <summary>Lines of functions may have changed.</summary>
    internal void LookAtLines()
    {
        using (_lock.Hold())
            LookAtLinesHeld();
    }

    private void LookAtLinesHeld()
    {
        Span<bool> levels = stackalloc bool[4];
        LookAt(Root, 0, levels);
        for (var pin = 0; pin < levels.Length; pin++)
            Lines[pin].Set(levels[pin]);
    }

    /// <param name="bus">The bus.</param>
    /// <param name="turn">By how many pins the bridges above it turn.</param>
    /// <param name="levels">Gets the pins that are driven.</param>
    private static void LookAt(PciBus bus, int turn, Span<bool> levels)
    {
        var functions = bus.Functions;
        for (var i = 0; i < functions.Count; i++)
        {
            var function = functions[i];
            var device = function.Place >> 3;
            if (function.LookAtLine())
                levels[(turn + device + function.Options.InterruptPin - 1) % 4] = true;
            // A bridge turns the pins of what is behind it by its own device number there (PCI-to-PCI Bridge Specification 1.2, 9.1).
            if (function is PciBridge bridge)
                LookAt(bridge.Secondary, turn + device, levels);
        }
    }

    /// <summary>A port's slot was filled or emptied.</summary>
    private static void Announce(PciBus bus, bool isPresent)
    {
        if (bus.Bridge is { IsPort: true } port && port.Express!.SetPresence(isPresent, true))
            port.Raise(0);
    }

    /// <summary>Finds out who answers where and how ports have to be. The lock is held.</summary>
    private void Refresh()
    {
        Routes = PciRoutes.Of(Root);
        Refresh(Root, true, null);
    }

    private void Refresh(PciBus bus, bool passesUp, PciAddress? alias)
    {
        if (bus.Bridge is { IsPort: true } port)
            port.Express!.SetPresence(bus.Functions.Count > 0, false);
        foreach (var function in bus.Functions)
        {
            var isMaster = passesUp && function.IsOn && (function.Command & PciCommand.BusMaster) != 0;
            var upstream = isMaster ? UpstreamOf(alias ?? function.Address) : null;
            function.Want(upstream is { IsOpen: true } ? new PciPortState(upstream, PciPeers.Of(function)) : default);
            function.SetMultiFunction(bus.Functions.Any(
                other => other != function && !other.IsVirtual && other.Place >> 3 == function.Place >> 3));
            if (function is PciBridge bridge)
                Refresh(bridge.Secondary, passesUp && bridge.PassesUp, alias ?? bridge.Alias);
        }
    }

    private PciUpstream UpstreamOf(PciAddress id)
    {
        if (!_upstreams.TryGetValue(id, out var upstream))
            _upstreams.Add(id, upstream = Options.UpstreamOf(id));
        return upstream;
    }

    /// <summary>Lets ports and blocks follow. No lock is held.</summary>
    private void Apply(IReadOnlyList<PciFunction> reset)
    {
        List<PciFunction> functions;
        using (EventGate.Close(ThreadRecord.Current))
        {
            lock (_ports)
            {
                using (_lock.Hold())
                {
                    functions = [.. Below(Root), .. _gone];
                    _gone.Clear();
                }

                foreach (var function in functions)
                    function.ApplyPort();
            }
        }

        foreach (var function in functions)
            function.ApplyPower();
        foreach (var function in reset)
            function.ResetBlocks();
        LookAtLines();
    }

    private static IEnumerable<PciFunction> FunctionsOf(PciFunction function) =>
        function is PciBridge bridge ? Below(bridge.Secondary).Prepend(function) : [function];
}
