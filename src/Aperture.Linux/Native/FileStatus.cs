using System.Runtime.InteropServices;

namespace Aperture.Linux.Native;

/// <summary>What statx(2) tells of a file (<c>struct statx</c>, 256 bytes on every architecture). Only what is used here has a
/// name.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct FileStatus
{
    /// <summary>Type and permissions.</summary>
    [FieldOffset(28)]
    public ushort Mode;

    /// <summary>Major number of the device that a device file stands for.</summary>
    [FieldOffset(128)]
    public uint DeviceMajor;

    /// <summary>Its minor number.</summary>
    [FieldOffset(132)]
    public uint DeviceMinor;
}
