using System.Runtime.InteropServices;

namespace Aperture.GuestTests;

/// <summary>A thread with fewer rights than the process: capabilities and the user for files belong to threads.</summary>
internal static partial class OtherThread
{
    private const int SetFileUser = 122; // setfsuid on x86-64; the C library's own calls would change all threads
    private const int CapabilityVersion3 = 0x20080522;

    /// <summary>CAP_IPC_LOCK: no limit on locked memory.</summary>
    public const int LockMemory = 1 << 14;

    /// <summary>CAP_SYS_RAWIO: devices without an IOMMU.</summary>
    public const int RawIo = 1 << 17;

    /// <summary>Runs something on a thread of its own and waits for it.</summary>
    public static void Run(Action action)
    {
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        if (failure is not null)
            throw new CheckException(failure.ToString());
    }

    /// <summary>From here on the thread opens files as this user.</summary>
    public static void BecomeUser(int user) => SystemCall(SetFileUser, user);

    /// <summary>From here on the thread lacks a capability.</summary>
    public static unsafe void DropCapability(int capability)
    {
        var header = stackalloc int[] { CapabilityVersion3, 0 };
        var sets = stackalloc int[6]; // effective, permitted, inheritable; the low 32 and then the high
        Check.Equal(0, GetCapabilities(header, sets));
        sets[0] &= ~capability;
        Check.Equal(0, SetCapabilities(header, sets));
    }

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint SystemCall(nint number, nint argument);

    [LibraryImport("libc", EntryPoint = "capget")]
    private static unsafe partial int GetCapabilities(int* header, int* sets);

    [LibraryImport("libc", EntryPoint = "capset")]
    private static unsafe partial int SetCapabilities(int* header, int* sets);
}
