using System.Runtime.InteropServices;

namespace Aperture.Linux.Native;

/// <summary>What fstatfs(2) tells (<c>struct statfs</c> of 64-bit Linux, 120 bytes). Only what is used here has a name.</summary>
[StructLayout(LayoutKind.Explicit, Size = 120)]
internal struct FileSystemStatus
{
    /// <summary>The file system's magic number.</summary>
    [FieldOffset(0)]
    public long Kind;
}
