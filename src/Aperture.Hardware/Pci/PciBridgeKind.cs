namespace Aperture.Hardware.Pci;

/// <summary>What a bridge is, and so what is behind it.</summary>
public enum PciBridgeKind
{
    /// <summary>A port of the root complex, on its bus; a link behind it.</summary>
    RootPort,

    /// <summary>A switch's port towards the root, on a link; the inside of the switch behind it.</summary>
    UpstreamPort,

    /// <summary>A switch's port away from the root, inside of a switch; a link behind it.</summary>
    DownstreamPort,

    /// <summary>A bridge from PCI Express to conventional PCI, on a link: what comes from behind it has the number of device 0 there.
    /// </summary>
    ExpressToPci,

    /// <summary>A bridge between conventional buses, or from the root complex to one: what comes from behind it has its own
    /// number.</summary>
    PciToPci,
}
