using Aperture.Core;

namespace Aperture.Hardware.Bus;

/// <summary>A range of addresses that a bus passes on, from masters on one side of it to what lies on the other
/// (<c>dma-ranges</c>).</summary>
/// <param name="First">The first address on the masters' side.</param>
/// <param name="Length">Bytes, at least 1; the last one lies within 64 bits on either side.</param>
/// <param name="Target">Where the first byte is on the other side.</param>
public readonly record struct BusWindow(Iova First, ulong Length, PhysicalAddress Target)
{
    /// <summary>How many bytes from an address on the window passes; 0 where the address is outside.</summary>
    public ulong PassesFrom(Iova address)
    {
        var offset = address.Value - First.Value;
        return offset < Length ? Length - offset : 0;
    }
}
