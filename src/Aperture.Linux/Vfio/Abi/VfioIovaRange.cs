using System.Runtime.InteropServices;

namespace Aperture.Linux.Vfio.Abi;

/// <summary>Device addresses that can be mapped. 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioIovaRange
{
    /// <summary>The first.</summary>
    public ulong Start;

    /// <summary>The last.</summary>
    public ulong End;
}
