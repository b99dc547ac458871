using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Aperture.Linux.Native;

/// <summary>Event files that somebody else made, who may mean harm.</summary>
internal static unsafe class EventFile
{
    private static ReadOnlySpan<byte> Name => "anon_inode:[eventfd]"u8;

    /// <summary>Whether a file is an event file; anything else could hold up who writes to it. From here on writing to it does not
    /// wait.</summary>
    public static bool IsUsable(SafeFileHandle file)
    {
        Span<byte> target = stackalloc byte[64];
        nint length;
        var link = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{(int)file.DangerousGetHandle()}");
        fixed (byte* buffer = target)
            length = Libc.ReadLink(link, buffer, (nuint)target.Length);

        if (length < 0 || !target[..(int)length].SequenceEqual(Name))
            return false;
        var flags = Libc.FileControl(file, Libc.GetFileFlags, 0);
        return flags >= 0 && ((flags & Libc.EventNonBlocking) != 0
            || Libc.FileControl(file, Libc.SetFileFlags, flags | Libc.EventNonBlocking) >= 0);
    }

    /// <summary>Signals it. One that is full has been signalled already.</summary>
    /// <returns>False where it cannot be.</returns>
    public static bool TrySignal(SafeFileHandle file)
    {
        var entry = new PollEntry { File = (int)file.DangerousGetHandle(), Events = Libc.PollOut };
        if (Libc.Poll(&entry, 1, 0) == 1 && (entry.Returned & Libc.PollOut) != 0)
        {
            ulong one = 1;
            return Libc.Write(file, &one, sizeof(ulong)) == sizeof(ulong) || ErrnoExtensions.Last == Errno.Again;
        }

        return true;
    }
}
