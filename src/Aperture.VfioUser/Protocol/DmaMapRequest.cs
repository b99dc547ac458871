using System.Runtime.InteropServices;

namespace Aperture.VfioUser.Protocol;

/// <summary>Memory that becomes reachable: 32 bytes, with at most one descriptor.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct DmaMapRequest
{
    public const int Bytes = 32;
    public const uint CanRead = 1;
    public const uint CanWrite = 2;

    /// <summary>Bytes of this request.</summary>
    public uint ArgumentSize;

    /// <summary>What the device may do.</summary>
    public uint Flags;

    /// <summary>Where in the file the memory begins.</summary>
    public ulong Offset;

    /// <summary>The address that the device sees.</summary>
    public ulong Address;

    /// <summary>Bytes.</summary>
    public ulong Size;
}
