using System.Runtime.InteropServices;

namespace Aperture.Datasheets.Virtio;

/// <summary>One buffer of a chain: 16 bytes, little-endian. Source: VIRTIO 1.2, 2.7.5.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct VirtqueueDescriptor
{
    /// <summary>Bytes of a descriptor.</summary>
    public const int Bytes = 16;

    private const ushort NextFlag = 1;
    private const ushort WriteFlag = 2;

    private readonly ulong _address;
    private readonly uint _length;
    private readonly ushort _flags;
    private readonly ushort _next;

    /// <summary>A descriptor.</summary>
    /// <param name="address">Where the buffer is.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="isWritten">Whether the device writes it; else it reads.</param>
    /// <param name="next">The next of the chain; null at its end.</param>
    public VirtqueueDescriptor(ulong address, uint length, bool isWritten, ushort? next)
    {
        _address = address;
        _length = length;
        _flags = (ushort)((isWritten ? WriteFlag : 0) | (next is null ? 0 : NextFlag));
        _next = next ?? 0;
    }

    /// <summary>Where the buffer is, as the device sees it.</summary>
    public ulong Address => _address;

    /// <summary>Its bytes.</summary>
    public uint Length => _length;

    /// <summary>Whether the device writes it.</summary>
    public bool IsWritten => (_flags & WriteFlag) != 0;

    /// <summary>Whether another follows.</summary>
    public bool HasNext => (_flags & NextFlag) != 0;

    /// <summary>Which one.</summary>
    public ushort Next => _next;
}
