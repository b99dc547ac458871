using System.Runtime.CompilerServices;
using Aperture.Core.Memory;
using Aperture.Devices;

namespace Aperture.Dma.Memory;

/// <summary>Memory of a device, such as a frame or command buffer behind its registers, that other devices are given like RAM: by itself,
/// in scatterlists beside RAM, and in linked mappings. It is never copied and no cache is maintained for it.</summary>
/// <remarks>Its driver publishes it (<see cref="DmaContext.Publish"/>) and disposes it, or lets <see cref="Device.Manage{T}"/> do so,
/// before it goes.</remarks>
public sealed class PeerMemory : IDisposable
{
    private readonly DmaPlatform _platform;
    private readonly Func<Device, bool>? _isReachable;

    internal PeerMemory(DmaPlatform platform, Device provider, MemoryRange range, Func<Device, bool>? isReachable)
    {
        _platform = platform;
        _isReachable = isReachable;
        Provider = provider;
        Range = range;
    }

    /// <summary>Whose memory it is.</summary>
    public Device Provider { get; }

    /// <summary>Where it lies: no RAM.</summary>
    public MemoryRange Range { get; }

    /// <summary>A part of it, as a source for mappings. The CPU has no view of it; its driver uses its register region.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">Bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not inside.</exception>
    public unsafe MemoryBlock Slice(ulong offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (offset > Range.Length || (ulong)length > Range.Length - offset)
            throw new ArgumentOutOfRangeException(nameof(offset), offset,
                $"0x{length:x} bytes from 0x{offset:x} on are not inside the 0x{Range.Length:x} of {Provider.Name}");
        return new MemoryBlock(null, Range.Start + offset, length);
    }

    /// <summary>Takes it back: nobody gets it any more. What others still have mapped of it leads nowhere, or to what comes there next; the
    /// sanitizer names them.</summary>
    public void Dispose() => Dispose("", 0);

    /// <summary>Takes it back, as <see cref="Dispose()"/> does, and says where.</summary>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    public void Withdraw([CallerFilePath] string file = "", [CallerLineNumber] int line = 0) => Dispose(file, line);

    /// <summary>Whether a device's accesses get to it.</summary>
    internal bool IsReachableFrom(Device device) => device != Provider && (_isReachable?.Invoke(device) ?? true);

    private void Dispose(string file, int line)
    {
        if (_platform.Remove(this))
            _platform.Observer?.OnPeerGone(this, file, line);
    }
}
