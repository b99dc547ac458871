using System.Runtime.InteropServices;

namespace Aperture.Linux.Vfio.Abi;

/// <summary>Head of one capability behind an information structure (<c>vfio_info_cap_header</c>). 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioCapabilityHeader
{
    /// <summary>Which capability.</summary>
    public ushort Id;

    /// <summary>Its version.</summary>
    public ushort Version;

    /// <summary>Offset of the next one from the start of the information structure; 0 ends the chain.</summary>
    public uint Next;
}
