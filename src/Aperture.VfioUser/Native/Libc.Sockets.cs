using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Aperture.Linux.Native;

/// <content>What a server of messages with descriptors needs besides.</content>
internal static unsafe partial class Libc
{
    public const int MessageCloseOnExec = 0x40000000; // MSG_CMSG_CLOEXEC
    public const int MessageNoSignal = 0x4000;
    public const int MessageControlTruncated = 8;
    public const int SocketLevel = 1;     // SOL_SOCKET
    public const int RightsMessage = 1;   // SCM_RIGHTS
    public const int MostDescriptors = 253; // SCM_MAX_FD
    public const short PollOut = 4;
    public const int GetFileFlags = 3;    // F_GETFL
    public const int SetFileFlags = 4;    // F_SETFL
    public const int GetSeals = 1034;     // F_GET_SEALS
    public const int SealShrink = 2;      // F_SEAL_SHRINK
    public const int SeekEnd = 2;

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    public static partial nint ReceiveMessage(int socket, SocketMessage* message, int flags);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    public static partial nint Send(int socket, void* data, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int FileControl(SafeFileHandle file, int command, nint argument);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(SafeFileHandle file, long offset, int origin);

    [LibraryImport("libc", EntryPoint = "fstatfs", SetLastError = true)]
    public static partial int GetFileSystem(SafeFileHandle file, FileSystemStatus* status);

    [LibraryImport("libc", EntryPoint = "readlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint ReadLink(string path, byte* buffer, nuint length);
}
