using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Hardware.Bus;

namespace Aperture.VfioUser;

/// <summary>Memory of a client that it has not shared: each access is a message to it.</summary>
internal sealed class MessageWindow(PciFunction function, PhysicalAddress start, uint size) : IMmioDevice
{
    /// <summary>The most that one window has.</summary>
    public const uint MaxSize = 0x8000_0000;

    public uint Size => size;

    public bool TryRead(uint offset, int width, out ulong value)
    {
        value = 0;
        return function.TryReadClient(start + offset, MemoryMarshal.AsBytes(
            new Span<ulong>(ref value))[..width]);
    }

    public bool TryWrite(uint offset, int width, ulong value) =>
        function.TryWriteClient(start + offset, MemoryMarshal.AsBytes(
            new ReadOnlySpan<ulong>(in value))[..width]);
}
