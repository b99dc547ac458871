using System.Runtime.InteropServices;

namespace Aperture.Linux.Vfio.Abi;

/// <summary>Head of the capability that lists which parts of a region can be mapped (id 1); areas follow. 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioSparseMap
{
    /// <summary>Head.</summary>
    public VfioCapabilityHeader Header;

    /// <summary>Number of areas.</summary>
    public uint AreaCount;

    /// <summary>Not used.</summary>
    public uint Reserved;
}
