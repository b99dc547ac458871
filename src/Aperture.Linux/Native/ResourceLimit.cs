using System.Runtime.InteropServices;

namespace Aperture.Linux.Native;

/// <summary>A limit on a resource of the process (<c>struct rlimit</c>, 16 bytes).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ResourceLimit
{
    public ulong Current;
    public ulong Maximum;
}
