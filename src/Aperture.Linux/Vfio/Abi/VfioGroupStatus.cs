using System.Runtime.InteropServices;

namespace Aperture.Linux.Vfio.Abi;

/// <summary>State of a group (<c>vfio_group_status</c>). 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioGroupStatus
{
    /// <summary>Size of the caller's buffer; on the way back the size that all of the answer needs.</summary>
    public uint ArgumentSize;

    /// <summary>The state.</summary>
    public VfioGroupFlags Flags;
}
