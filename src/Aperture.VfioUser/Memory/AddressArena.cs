using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Linux.Native;

namespace Aperture.VfioUser;

/// <summary>Host address space in which clients' memory is mapped. It stays reserved: an access that has begun when a client takes its
/// memory away finds zeros, or other memory of the same clients, and ends nobody's process.</summary>
internal sealed class AddressArena : IDisposable
{
    /// <summary>Bytes: twice the RAM that there may be, so that holes between what is mapped need not be filled.</summary>
    private const ulong Bytes = 2 * PhysicalMemory.MaxBytes;

    private readonly nint _start;
    private readonly SortedList<ulong, ulong> _free = new() { [0] = Bytes }; // length by offset; none adjoins another
    private ulong _next; // where the last search ended: freed space is used again as late as possible
    private bool _isDisposed;

    public AddressArena()
    {
        _start = Libc.Map(0, unchecked((nuint)Bytes), 0, Libc.MapPrivate | Libc.MapAnonymous | Libc.MapNoReserve, -1, 0);
        if (_start == Libc.MapFailed)
        {
            throw new ApertureException(ErrnoExtensions.Last.ToStatus(),
                $"0x{Bytes:x} bytes of address space for clients' memory cannot be had: {ErrnoExtensions.Last.Describe()}");
        }
    }

    /// <summary>Takes address space.</summary>
    /// <returns>False where there is no piece of that size.</returns>
    public bool TryTake(ulong length, out nint address)
    {
        address = 0;
        if (!TryTakeFrom(_next, length, out var offset) && !TryTakeFrom(0, length, out offset))
            return false;
        _next = offset + length;
        address = _start + (nint)offset;
        return true;
    }

    /// <summary>Replaces what is mapped by zeros, and gives the address space back.</summary>
    public void Give(nint address, ulong length)
    {
        if (!_isDisposed)
        {
            Libc.Map(address, (nuint)length, Libc.ProtRead | Libc.ProtWrite,
                Libc.MapPrivate | Libc.MapAnonymous | Libc.MapNoReserve | Libc.MapFixed, -1, 0);
        }

        var offset = (ulong)(address - _start);
        var index = 0;
        while (index < _free.Count && _free.GetKeyAtIndex(index) < offset)
            index++;
        if (index < _free.Count && _free.GetKeyAtIndex(index) == offset + length)
        {
            length += _free.GetValueAtIndex(index);
            _free.RemoveAt(index);
        }

        if (index > 0 && _free.GetKeyAtIndex(index - 1) + _free.GetValueAtIndex(index - 1) == offset)
            _free.SetValueAtIndex(index - 1, _free.GetValueAtIndex(index - 1) + length);
        else
            _free.Add(offset, length);
    }

    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        Libc.Unmap(_start, unchecked((nuint)Bytes));
    }

    private bool TryTakeFrom(ulong first, ulong length, out ulong offset)
    {
        for (var i = 0; i < _free.Count; i++)
        {
            var (start, free) = (_free.GetKeyAtIndex(i), _free.GetValueAtIndex(i));
            offset = Math.Max(start, first);
            if (offset >= start + free || start + free - offset < length)
                continue;
            _free.RemoveAt(i);
            if (offset > start)
                _free.Add(start, offset - start);
            if (start + free > offset + length)
                _free.Add(offset + length, start + free - offset - length);
            return true;
        }

        offset = 0;
        return false;
    }
}
