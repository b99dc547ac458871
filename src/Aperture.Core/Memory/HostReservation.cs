using System.Runtime.InteropServices;

namespace Aperture.Core.Memory;

/// <summary>A block of host address space, zero at first, that takes host memory page by page when it is touched.</summary>
internal sealed unsafe partial class HostReservation : SafeHandle
{
    private const int ProtNone = 0;
    private const int ProtReadWrite = 0x1 | 0x2;
    private const int MapPrivate = 0x02;
    private const int MapFixed = 0x10;
    private const int MapAnonymousLinux = 0x20;
    private const int MapNoReserveLinux = 0x4000;
    private const int MapAnonymousBsd = 0x1000;
    private const uint MemCommit = 0x1000;
    private const uint MemReserveCommit = 0x2000 | MemCommit;
    private const uint MemDecommit = 0x4000;
    private const uint MemRelease = 0x8000;
    private const uint PageReadWrite = 0x04;

    private const int MostRetired = 128;   // kept inaccessible in Debug
    private const int ManyRetired = 2_048; // a process can have some 65,000 mappings

    private static int s_retiredAlive; // reservations whose address space is kept

    private static readonly Queue<HostReservation> s_retired = new(); // in Debug: inaccessible, the oldest first; guarded by itself

    private readonly nuint _length;
    private bool _isRetired;

    private HostReservation(nint address, nuint length)
        : base(0, ownsHandle: true)
    {
        SetHandle(address);
        _length = length;
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>Reserves <paramref name="bytes"/> of address space.</summary>
    /// <exception cref="ApertureException">The host refuses.</exception>
    public static HostReservation Reserve(ulong bytes)
    {
        var length = (nuint)bytes;
        nint address;
        if (OperatingSystem.IsWindows())
        {
            address = VirtualAlloc(0, length, MemReserveCommit, PageReadWrite);
        }
        else
        {
            address = MMap(0, length, ProtReadWrite, Flags, -1, 0);
            if (address == -1)
                address = 0;
        }

        if (address == 0)
        {
            throw new ApertureException(
                Status.NoMemory,
                $"the host has no address space for 0x{bytes:x} bytes of simulated RAM (error {Marshal.GetLastPInvokeError()})");
        }

        return new HostReservation(address, length);
    }

    /// <summary>Gives the host memory back and keeps the address space, until nobody refers to this any more: whoever still has a pointer
    /// reads zeros and what he writes reaches nobody. In Debug the pages are inaccessible instead, also after that, so that he is
    /// found.</summary>
    public void Retire()
    {
        if (IsInvalid || IsClosed)
            return;
        if (OperatingSystem.IsWindows())
        {
            VirtualFree(handle, _length, MemDecommit);
            if (StaysAccessible)
                VirtualAlloc(handle, _length, MemCommit, PageReadWrite);
        }
        else
        {
            MMap(handle, _length, StaysAccessible ? ProtReadWrite : ProtNone, Flags | MapFixed, -1, 0);
        }

        if (!StaysAccessible)
            Keep(this);
        _isRetired = true;
        if (Interlocked.Increment(ref s_retiredAlive) % ManyRetired == 0)
            GC.Collect(); // what nobody refers to gives its address space back; the collector does not see how much that is
    }

    private static bool StaysAccessible
    {
        get
        {
#if DEBUG
            return false;
#else
            return true;
#endif
        }
    }

    private static int Flags => OperatingSystem.IsLinux()
        ? MapPrivate | MapAnonymousLinux | MapNoReserveLinux
        : MapPrivate | MapAnonymousBsd;

    private static void Keep(HostReservation retired)
    {
        lock (s_retired)
        {
            s_retired.Enqueue(retired);
            if (s_retired.Count > MostRetired)
                s_retired.Dequeue(); // its address space goes when nobody refers to it
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        if (_isRetired)
            Interlocked.Decrement(ref s_retiredAlive);
        return OperatingSystem.IsWindows() ? VirtualFree(handle, 0, MemRelease) : MUnmap(handle, _length) == 0;
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint MMap(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int MUnmap(nint address, nuint length);

    [LibraryImport("kernel32", EntryPoint = "VirtualAlloc", SetLastError = true)]
    private static partial nint VirtualAlloc(nint address, nuint length, uint type, uint protection);

    [LibraryImport("kernel32", EntryPoint = "VirtualFree", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool VirtualFree(nint address, nuint length, uint type);
}
