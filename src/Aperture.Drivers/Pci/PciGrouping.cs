using Aperture.Datasheets.Pci;

namespace Aperture.Drivers.Pci;

/// <summary>Which functions an IOMMU cannot keep apart: those that share a number on the way to it, and those that reach each other before
/// it. Told from what was found and from access control as it is set, so that it is the same in every order.</summary>
/// <remarks>
/// <para>Access control that a port has not got keeps everything behind it together, and of a switch's ports one without it everything
/// behind the switch: its requests reach the others, whatever those redirect. What a capability does not list counts as always in force.
/// The root complex itself is taken to keep its devices apart.</para>
/// <para>Source: PCI Express Base Specification, 6.12; PCI Express to PCI/PCI-X Bridge Specification 1.0, 2.3 (the numbers of what is
/// behind a bridge).</para>
/// </remarks>
internal static class PciGrouping
{
    /// <summary>Sets access control as far as it keeps functions apart.</summary>
    public static void Enable(PciFunctionInfo function)
    {
        if (function.AcsCapability is not (> 0 and var at))
            return;
        var services = (AcsFlags)function.Configuration.Read16(at + AcsRegisters.Capabilities);
        function.Configuration.Update16(at + AcsRegisters.Control, (ushort)(services & AcsFlags.Isolation));
    }

    /// <summary>The other numbers that a function's accesses may carry, the one next to the root last.</summary>
    public static uint[] AliasesOf(PciFunctionInfo function) => [.. Bridges(function).Select(alias => (uint)alias.Id.Value)];

    /// <summary>What a function shares with others.</summary>
    /// <param name="host">The function's host.</param>
    /// <param name="function">The function.</param>
    public static object[] KeysOf(object host, PciFunctionInfo function)
    {
        var top = function;
        var keys = new HashSet<object> { new PciIdKey(host, function.Address) };
        foreach (var (bridge, id) in Bridges(function))
        {
            top = bridge;
            keys.Add(new PciIdKey(host, id));
        }

        while (top.Bridge is { } bridge && !IsApart(bridge))
            top = bridge.Express == ExpressPort.DownstreamPort && !KeepsApart(bridge) ? bridge.Bridge ?? bridge : bridge;
        var isAlone = HasAcsThroughout(top);
        keys.Add(new PciPlaceKey(host, isAlone ? top.Address : new PciAddress(top.Address.Bus, top.Address.Device, 0), isAlone));
        return [.. keys];
    }

    /// <summary>Bridges above a function that give what passes them another number.</summary>
    private static IEnumerable<(PciFunctionInfo Bridge, PciAddress Id)> Bridges(PciFunctionInfo function)
    {
        for (var bridge = function.Bridge; bridge is not null; bridge = bridge.Bridge)
        {
            if (bridge.Express == ExpressPort.ExpressToPci)
                yield return (bridge, new PciAddress(bridge.Secondary, 0, 0));
            else if (!bridge.IsPort)
                yield return (bridge, bridge.Address);
        }
    }

    /// <summary>Whether everything on the way from a bridge to the root keeps what is behind it from what is beside it.</summary>
    private static bool IsApart(PciFunctionInfo bridge)
    {
        for (var at = bridge; at is not null; at = at.Bridge)
        {
            if (!KeepsApart(at))
                return false;
        }

        return true;
    }

    /// <summary>Whether nothing gets from a bridge to what is behind its neighbours, nor from those here: a neighbour without access
    /// control reaches everybody, whatever those have.</summary>
    private static bool KeepsApart(PciFunctionInfo bridge) => bridge.Express switch
    {
        ExpressPort.RootPort => HasAcs(bridge) && HasAcsThroughout(bridge),
        ExpressPort.DownstreamPort => HasAcs(bridge) && (bridge.Bridge?.Children.All(HasAcs) ?? true),
        ExpressPort.UpstreamPort => HasAcsThroughout(bridge),
        _ => false,
    };

    /// <summary>Whether the functions of a device do not reach each other.</summary>
    private static bool HasAcsThroughout(PciFunctionInfo function) =>
        !function.IsMultiFunction || function.DeviceFunctions.All(HasAcs);

    private static bool HasAcs(PciFunctionInfo function)
    {
        if (function.AcsCapability is not (> 0 and var at))
            return false;
        var services = (AcsFlags)function.Configuration.Read16(at + AcsRegisters.Capabilities);
        var inForce = (AcsFlags)function.Configuration.Read16(at + AcsRegisters.Control);
        return (services & AcsFlags.Isolation & ~inForce) == 0;
    }
}

/// <summary>What functions share that have a number in common.</summary>
/// <param name="Host">Their host.</param>
/// <param name="Id">The number.</param>
internal sealed record PciIdKey(object Host, PciAddress Id);

/// <summary>What functions share that reach each other.</summary>
/// <param name="Host">Their host.</param>
/// <param name="Top">The bridge, device or function below which they do.</param>
/// <param name="IsFunction">Whether it is one function, and not a device with all of its functions.</param>
internal sealed record PciPlaceKey(object Host, PciAddress Top, bool IsFunction);
