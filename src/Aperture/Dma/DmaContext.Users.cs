using Aperture.Core;
using Aperture.Dma.Memory;

namespace Aperture.Dma;

// Views of allocations for user space.
public sealed partial class DmaContext
{
    private readonly Lock _viewsLock = new();
    private readonly List<UserView> _views = []; // that are not disposed
    private volatile int _viewCount;             // how many, for a look without the lock

    internal UserView MapToUser(MemoryBlock memory, Iova buffer, int offset, int length, string file, int line)
    {
        if (offset < 0 || length < 1 || offset > memory.Length || length > memory.Length - offset)
            throw new ApertureException(Status.OutOfRange,
                $"0x{length:x} bytes from 0x{offset:x} on are not inside the buffer of 0x{memory.Length:x} bytes at device address " +
                $"{buffer} of {_device.Name}");
        var view = new UserView(this, memory.Slice(offset, length), buffer);
        lock (_viewsLock)
        {
            _views.Add(view);
            _viewCount = _views.Count;
        }

        if (_isWatched)
            Tell(new DmaEvent
            {
                Kind = DmaEventKind.MapToUser,
                Address = buffer,
                Origin = memory.Address + (ulong)offset,
                Length = (ulong)length,
                File = file,
                Line = line
            });
        return view;
    }

    internal void UnmapFromUser(UserView view)
    {
        lock (_viewsLock)
        {
            _views.Remove(view);
            _viewCount = _views.Count;
        }

        if (_isWatched)
            Tell(new DmaEvent { Kind = DmaEventKind.UnmapFromUser, Address = view.Buffer, Length = (ulong)view.Length, File = "" });
    }

    /// <summary>Ends the views of a buffer that goes.</summary>
    private void Revoke(Iova address, int length)
    {
        if (_viewCount == 0)
            return;
        var orphans = 0;
        lock (_viewsLock)
        {
            foreach (var view in _views)
            {
                if (view.Buffer != address)
                    continue;
                view.Revoke();
                orphans++;
            }

            _views.RemoveAll(view => view.IsVoid);
            _viewCount = _views.Count;
        }

        if (orphans > 0 && _isWatched)
            Tell(new DmaEvent { Kind = DmaEventKind.FreeWhileMappedToUser, Address = address, Length = (ulong)length, File = "" });
    }
}
