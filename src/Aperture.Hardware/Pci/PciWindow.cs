using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Pci;

/// <summary>A part of a host's memory window, as a block on the system bus.</summary>
/// <param name="host">The host.</param>
/// <param name="first">The address of its first byte on the host's buses.</param>
/// <param name="size">Bytes.</param>
internal sealed class PciWindow(PciHost host, ulong first, uint size) : IBurstDevice
{
    public uint Size => size;

    public bool TryRead(uint offset, int width, out ulong value)
    {
        if (host.Routes.TryFind(first + offset, width, out var bar, out var inside) && bar.TryRead(inside, width, out value))
            return true;
        value = ulong.MaxValue;
        return host.Options.ReadsOnes;
    }

    public bool TryWrite(uint offset, int width, ulong value) =>
        (host.Routes.TryFind(first + offset, width, out var bar, out var inside) && bar.TryWrite(inside, width, value))
        || host.Options.ReadsOnes;

    public bool TryRead(uint offset, Span<byte> destination)
    {
        if (host.Routes.TryFind(first + offset, destination.Length, out var bar, out var inside) && bar.TryRead(inside, destination))
            return true;
        destination.Fill(byte.MaxValue);
        return host.Options.ReadsOnes;
    }

    public bool TryWrite(uint offset, ReadOnlySpan<byte> source) =>
        (host.Routes.TryFind(first + offset, source.Length, out var bar, out var inside) && bar.TryWrite(inside, source))
        || host.Options.ReadsOnes;
}
