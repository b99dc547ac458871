using System.Runtime.InteropServices;

namespace Aperture.Core.Memory;

/// <summary>A block of host address space, zero at first, that takes host memory page by page when it is touched.</summary>
internal sealed unsafe partial class HostReservation : SafeHandle
{
    private const int ProtReadWrite = 0x1 | 0x2;
    private const int MapPrivate = 0x02;
    private const int MapAnonymousLinux = 0x20;
    private const int MapNoReserveLinux = 0x4000;
    private const int MapAnonymousBsd = 0x1000;
    private const uint MemReserveCommit = 0x2000 | 0x1000;
    private const uint MemRelease = 0x8000;
    private const uint PageReadWrite = 0x04;

    private readonly nuint _length;

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
            var flags = OperatingSystem.IsLinux() ? MapPrivate | MapAnonymousLinux | MapNoReserveLinux : MapPrivate | MapAnonymousBsd;
            address = MMap(0, length, ProtReadWrite, flags, -1, 0);
            if (address == -1)
                address = 0;
        }

        if (address == 0)
            throw new ApertureException(Status.NoMemory, $"the host has no address space for 0x{bytes:x} bytes of simulated RAM (error {Marshal.GetLastPInvokeError()})");
        return new HostReservation(address, length);
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() =>
        OperatingSystem.IsWindows() ? VirtualFree(handle, 0, MemRelease) : MUnmap(handle, _length) == 0;

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
