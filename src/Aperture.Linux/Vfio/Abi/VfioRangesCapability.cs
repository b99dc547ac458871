using System.Runtime.InteropServices;

namespace Aperture.Linux.Vfio.Abi;

/// <summary>Head of the capability that lists the device addresses that can be mapped (id 1); ranges follow. 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioRangesCapability
{
    /// <summary>Head.</summary>
    public VfioCapabilityHeader Header;

    /// <summary>Number of ranges.</summary>
    public uint Count;

    /// <summary>Not used.</summary>
    public uint Reserved;
}
