using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Linux.Native;
using Aperture.VfioUser.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Aperture.VfioUser;

/// <summary>The memory of one client, and what it may ask for. Used by the thread that serves it.</summary>
internal sealed class ClientMaps(GuestMemory memory, PciFunction function)
{
    private const long TmpfsMagic = 0x01021994;

    private const int ManyMaps = 24_576; // of a process, which can have some 65,000 mappings, two for each

    private static int s_maps;

    public PciFunction Function => function;

    /// <summary>Guarded by the memory's lock.</summary>
    public List<ClientMap> All { get; } = [];

    /// <summary>Maps memory.</summary>
    /// <param name="request">What the client asks for.</param>
    /// <param name="file">What holds the memory; null if it is not shared.</param>
    /// <param name="options">How clients are treated.</param>
    public Errno Map(in DmaMapRequest request, SafeFileHandle? file, VfioUserOptions options)
    {
        const ulong pageMask = PhysicalMemory.PageSize - 1;
        if (request.ArgumentSize < DmaMapRequest.Bytes || request.Flags is 0 or > (DmaMapRequest.CanRead | DmaMapRequest.CanWrite)
            || request.Size == 0 || ((request.Address | request.Size | request.Offset) & pageMask) != 0
            || request.Address + (request.Size - 1) < request.Address || request.Size > PhysicalMemory.MaxBytes
            || request.Offset > long.MaxValue - request.Size)
        {
            return Errno.Invalid;
        }

        var range = new MemoryRange(new PhysicalAddress(request.Address), request.Size);
        foreach (var map in All)
        {
            if (map.Range.Overlaps(range))
                return Errno.Exists;
        }

        if (file is not null && Check(file, request.Offset + request.Size, options) is not Errno.None and var unfit)
            return unfit;
        if (All.Count >= options.MaxMaps || !TryCount())
            return Errno.NoSpace;
        var rights = ((request.Flags & DmaMapRequest.CanRead) != 0 ? Protection.Read : 0)
            | ((request.Flags & DmaMapRequest.CanWrite) != 0 ? Protection.Write : 0);
        if (memory.TryAdd(this, range, rights, file, (long)request.Offset, out var error) is null)
        {
            Interlocked.Decrement(ref s_maps);
            return error;
        }

        function.Observer?.OnMapped(function, range, rights, file is not null);
        return Errno.None;
    }

    /// <summary>Takes whole maps away: all, one, or several that lie in a range.</summary>
    public Errno Unmap(in DmaUnmapRequest request)
    {
        if (request.ArgumentSize < DmaUnmapRequest.Bytes)
            return Errno.Invalid;
        if (request.Flags == DmaUnmapRequest.All)
        {
            if (request.Address != 0 || request.Size != 0)
                return Errno.Invalid;
            Clear();
            return Errno.None;
        }

        if (request.Flags != 0 || request.Size == 0 || request.Address + (request.Size - 1) < request.Address)
            return Errno.Invalid;
        var range = new MemoryRange(new PhysicalAddress(request.Address), request.Size);
        var found = All.FindAll(map => map.Range.Overlaps(range));
        if (found.Count == 0)
            return Errno.NoEntry;
        if (!found.TrueForAll(map => range.Contains(map.Range.Start, map.Range.Length)))
            return Errno.Invalid;
        foreach (var map in found)
            Remove(map);
        return Errno.None;
    }

    /// <summary>Takes all away.</summary>
    public void Clear()
    {
        while (All.Count > 0)
            Remove(All[^1]);
    }

    /// <summary>The client has gone.</summary>
    public void Leave()
    {
        Clear();
        memory.Leave(this);
    }

    private static bool TryCount()
    {
        if (Interlocked.Increment(ref s_maps) <= ManyMaps)
            return true;
        Interlocked.Decrement(ref s_maps);
        return false;
    }

    /// <summary>Whether touching a file's pages is safe whatever the client does: it is memory, large enough, and cannot shrink.</summary>
    private static Errno Check(SafeFileHandle file, ulong end, VfioUserOptions options)
    {
        if (!options.TrustsMemoryFiles)
        {
            var seals = Libc.FileControl(file, Libc.GetSeals, 0);
            if (seals < 0 || (seals & Libc.SealShrink) == 0 || !TryGetKind(file, out var kind) || kind != TmpfsMagic)
                return Errno.NotPermitted;
        }

        var size = Libc.Seek(file, 0, Libc.SeekEnd);
        return size >= 0 && end <= (ulong)size ? Errno.None : Errno.Invalid;
    }

    private static unsafe bool TryGetKind(SafeFileHandle file, out long kind)
    {
        FileSystemStatus status;
        var result = Libc.GetFileSystem(file, &status);
        kind = status.Kind;
        return result == 0;
    }

    private void Remove(ClientMap map)
    {
        memory.Remove(this, map);
        Interlocked.Decrement(ref s_maps);
        function.Observer?.OnUnmapped(function, map.Range);
    }
}
