using System.Runtime.InteropServices;

namespace Aperture.Linux.Native;

/// <summary>One file to wait for (<c>struct pollfd</c>, 8 bytes).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PollEntry
{
    public int File;
    public short Events;
    public short Returned;
}
