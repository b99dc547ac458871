using System.Runtime.InteropServices;

namespace Aperture.VfioUser.Protocol;

/// <summary>What there is of a device: 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct DeviceInfo
{
    public const int Bytes = 16;
    public const uint CanReset = 1;
    public const uint IsPci = 2;

    public uint ArgumentSize;
    public uint Flags;
    public uint Regions;
    public uint Interrupts;
}
