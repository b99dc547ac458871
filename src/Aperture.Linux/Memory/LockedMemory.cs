using System.Globalization;
using Aperture.Linux.Native;

namespace Aperture.Linux.Memory;

/// <summary>How much memory the process may lock: memory that devices reach is locked.</summary>
internal static class LockedMemory
{
    /// <summary>The limit in bytes; null for none.</summary>
    public static ulong? Limit =>
        Libc.GetLimit(Libc.LimitLockedMemory, out var limit) == 0 && limit.Current != ulong.MaxValue ? limit.Current : null;

    /// <summary>The limit, what is in use, and how to raise it.</summary>
    public static string Describe()
    {
        if (Limit is not { } limit)
            return "the limit on locked memory is not in the way; the machine has no memory left";
        return $"the limit on locked memory (RLIMIT_MEMLOCK) is {limit >> 10} KiB, of which {InUse()} KiB are in use; " +
            "raise it (ulimit -l unlimited, LimitMEMLOCK= of a systemd unit, or /etc/security/limits.conf) or give the process " +
                "CAP_IPC_LOCK";
    }

    private static ulong InUse()
    {
        foreach (var line in File.ReadLines("/proc/self/status"))
        {
            if (!line.StartsWith("VmLck:", StringComparison.Ordinal))
                continue;
            var number = line.AsSpan(6, line.Length - 8).Trim(); // without "kB"
            if (ulong.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var value))
                return value;
        }

        return 0;
    }
}
