using System.Runtime.InteropServices;

namespace Aperture.VfioUser.Protocol;

/// <summary>One kind of interrupt, and what is asked of files for regions: 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct InterruptInfo
{
    public const int Bytes = 16;
    public const uint ByEvent = 1;
    public const uint CanMask = 2;
    public const uint MasksItself = 4;
    public const uint KeepsSize = 8;

    public uint ArgumentSize;
    public uint Flags;
    public uint Index;
    public uint Count;
}
