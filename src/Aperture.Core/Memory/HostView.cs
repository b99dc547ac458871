using System.Runtime.InteropServices;

namespace Aperture.Core.Memory;

/// <summary>Host address space that shows pages of RAM that lie apart as one piece: both are the same bytes. Linux only, on hosts with
/// pages of 4 KiB.</summary>
internal sealed unsafe partial class HostView : SafeHandle
{
    private const int ProtReadWrite = 0x1 | 0x2;
    private const int MapShared = 0x01;
    private const int MapPrivate = 0x02;
    private const int MapFixed = 0x10;
    private const int MapAnonymous = 0x20;
    private const int MapNoReserve = 0x4000;
    private const uint CloseOnExec = 1;

    private readonly nuint _length;
    private readonly (nint Start, nuint Length)[] _pieces;

    private HostView(nint address, nuint length, (nint Start, nuint Length)[] pieces)
        : base(0, ownsHandle: true)
    {
        SetHandle(address);
        _length = length;
        _pieces = pieces;
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>Makes a view. What the pieces hold is lost: they read as zero.</summary>
    /// <param name="pieces">Whole pages that nobody uses, in the order in which they are seen.</param>
    /// <returns>Null when the host cannot; the pieces read as zero all the same.</returns>
    public static HostView? TryCreate((nint Start, nuint Length)[] pieces)
    {
        if (!OperatingSystem.IsLinux() || Environment.SystemPageSize != PhysicalMemory.PageSize)
            return null;
        nuint length = 0;
        foreach (var piece in pieces)
            length += piece.Length;
        var file = MemFdCreate("aperture", CloseOnExec);
        if (file < 0)
            return null;
        try
        {
            if (FTruncate(file, (nint)length) != 0)
                return null;
            var address = MMap(0, length, ProtReadWrite, MapShared, file, 0);
            if (address == -1)
                return null;
            var view = new HostView(address, length, pieces);
            nint offset = 0;
            foreach (var piece in pieces)
            {
                if (MMap(piece.Start, piece.Length, ProtReadWrite, MapShared | MapFixed, file, offset) != piece.Start)
                {
                    view.Split();
                    view.Dispose();
                    return null;
                }

                offset += (nint)piece.Length;
            }

            return view;
        }
        finally
        {
            _ = Close(file); // mappings keep it
        }
    }

    /// <summary>Makes the pieces ordinary pages again, which read as zero. The view keeps its addresses as long as anybody has this
    /// object: whoever still has a pointer there harms nobody.</summary>
    public void Split()
    {
        const int Flags = MapPrivate | MapAnonymous | MapNoReserve | MapFixed;
        foreach (var piece in _pieces)
        {
            if (MMap(piece.Start, piece.Length, ProtReadWrite, Flags, -1, 0) != piece.Start)
                throw new ApertureException(Status.NoMemory,
                    $"the host does not give a page of simulated RAM back (error {Marshal.GetLastPInvokeError()})");
        }

        Retire();
    }

    /// <summary>The RAM is gone: gives the view's memory back, and keeps its addresses.</summary>
    public void Retire() =>
        _ = MMap(handle, _length, ProtReadWrite, MapPrivate | MapAnonymous | MapNoReserve | MapFixed, -1, 0);

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => MUnmap(handle, _length) == 0;

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MemFdCreate(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int FTruncate(int file, nint length);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int file);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint MMap(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int MUnmap(nint address, nuint length);
}
