using System.Runtime.InteropServices;

namespace Aperture.Linux.Native;

/// <summary>A piece of memory (<c>struct iovec</c>, 16 bytes).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct SocketVector
{
    public void* Start;
    public nuint Length;
}
