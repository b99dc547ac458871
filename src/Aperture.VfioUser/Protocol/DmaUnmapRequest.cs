using System.Runtime.InteropServices;

namespace Aperture.VfioUser.Protocol;

/// <summary>Memory that is reachable no more: 24 bytes, repeated by the reply.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct DmaUnmapRequest
{
    public const int Bytes = 24;
    public const uint All = 2;

    /// <summary>Bytes of this request.</summary>
    public uint ArgumentSize;

    /// <summary>Whether all memory is meant: address and size are 0 then.</summary>
    public uint Flags;

    /// <summary>The address that the device sees.</summary>
    public ulong Address;

    /// <summary>Bytes.</summary>
    public ulong Size;
}
