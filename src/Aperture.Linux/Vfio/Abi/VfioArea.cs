using System.Runtime.InteropServices;

namespace Aperture.Linux.Vfio.Abi;

/// <summary>A part of a region that can be mapped. 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioArea
{
    /// <summary>First byte, from the start of the region.</summary>
    public ulong Offset;

    /// <summary>Bytes.</summary>
    public ulong Size;
}
