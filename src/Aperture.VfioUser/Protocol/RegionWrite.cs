using System.Runtime.InteropServices;

namespace Aperture.VfioUser.Protocol;

/// <summary>One write among several: 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RegionWrite
{
    public const int Bytes = 24;

    /// <summary>Where; 1 to 8 bytes.</summary>
    public RegionAccess Access;

    /// <summary>The value, in its low bytes.</summary>
    public ulong Data;
}
