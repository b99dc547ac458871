using System.Runtime.InteropServices;

namespace Aperture.Linux.Vfio.Abi;

/// <summary>How many more mappings the container takes (id 3). 12 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioAvailableCapability
{
    /// <summary>Head.</summary>
    public VfioCapabilityHeader Header;

    /// <summary>Number of mappings.</summary>
    public uint Available;
}
