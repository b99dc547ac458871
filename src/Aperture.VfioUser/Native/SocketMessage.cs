using System.Runtime.InteropServices;

namespace Aperture.Linux.Native;

/// <summary>What recvmsg(2) fills in (<c>struct msghdr</c> of 64-bit Linux, 56 bytes).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct SocketMessage
{
    public void* Name;
    public uint NameLength;
    public SocketVector* Vectors;
    public nuint VectorCount;
    public void* Control;
    public nuint ControlLength;
    public int Flags;
}
