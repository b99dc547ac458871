using System.Runtime.InteropServices;

namespace Aperture.VfioUser.Protocol;

/// <summary>One region: 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RegionInfo
{
    public const int Bytes = 32;
    public const uint CanRead = 1;
    public const uint CanWrite = 2;

    public uint ArgumentSize;
    public uint Flags;
    public uint Index;
    public uint CapabilityOffset;
    public ulong Size;
    public ulong FileOffset;
}
