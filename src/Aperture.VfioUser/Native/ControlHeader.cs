using System.Runtime.InteropServices;

namespace Aperture.Linux.Native;

/// <summary>What stands before ancillary data (<c>struct cmsghdr</c> of 64-bit Linux, 16 bytes).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ControlHeader
{
    public nuint Length; // with this header
    public int Level;
    public int Type;
}
