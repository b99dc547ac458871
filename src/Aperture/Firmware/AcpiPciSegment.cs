namespace Aperture.Firmware;

/// <summary>A PCI segment, as <see cref="AcpiFirmware"/> is asked about: its number, and how buses hang together in it.</summary>
/// <param name="Number">The number.</param>
/// <param name="BridgeTo">For a bus, the bridge that leads to it (bus, device, function); null for a root bus. Where this is null itself,
/// only devices on buses from which a description's paths begin are found by their path.</param>
public sealed record AcpiPciSegment(ushort Number, Func<byte, ushort?>? BridgeTo = null)
{
    /// <summary>The way to a function: the bridges above it and itself.</summary>
    internal List<ushort> WayTo(ushort function)
    {
        List<ushort> way = [function];
        while (way.Count <= byte.MaxValue && BridgeTo?.Invoke((byte)(way[0] >> 8)) is { } bridge)
            way.Insert(0, bridge);
        return way;
    }
}
