using Aperture.Core;
using Aperture.Core.PageTables;

namespace Aperture.Iommu.Recorded;

// Maps and unmaps.
public abstract partial class RecordedDomain
{
    /// <inheritdoc/>
    public override Status Map(Iova iova, PhysicalAddress address, ulong size, Protection protection)
    {
        if (((iova.Value | address.Value | size) & (_page - 1)) != 0 || (protection & Protection.ReadWrite) == 0)
            return Status.InvalidArgument;
        if (size == 0)
            return Status.Ok;
        if (size - 1 > ulong.MaxValue - address.Value)
            return Status.OutOfRange;
        lock (_lock)
        {
            if (!IsInside(_ranges, iova.Value, size))
                return Status.OutOfRange;
            if (_mappings.TryFind(iova.Value, out var next) && next.Start <= iova.Value + (size - 1))
                return Status.AlreadyExists;
            var mapping = new RecordedMapping(iova.Value, size, address.Value, protection & Protection.ReadWrite);
            var status = MapInSpaces(mapping);
            if (status != Status.Ok)
                return status;
            Record(mapping);
        }

        _trace?.Map(iova, address, size);
        return Status.Ok;
    }

    /// <inheritdoc/>
    /// <remarks>A space cannot cut a mapping: when an end lies inside one, all of it goes for a moment and what shall stay comes back. A
    /// device that uses what shall stay must not be busy meanwhile. When it cannot come back it is gone, and the status says so. When a
    /// space does not remove a mapping the mapping stays, in every space that takes it back.</remarks>
    public override Status Unmap(Iova iova, ulong size, ref InvalidationGather gather, out ulong unmapped)
    {
        unmapped = 0;
        if (((iova.Value | size) & (_page - 1)) != 0)
            return Status.InvalidArgument;
        var status = Status.Ok;
        lock (_lock)
        {
            while (status == Status.Ok && unmapped < size && TryFindRun(iova.Value + unmapped, size - unmapped, out var run))
            {
                status = run.IsCut ? UnmapPart(iova.Value + unmapped, run.Bytes) : UnmapWhole(iova.Value + unmapped, run.Bytes);
                unmapped += status == Status.Ok ? run.Bytes : 0;
            }

            AssertInvariants();
        }

        _trace?.Unmap(iova, size, unmapped);
        return status;
    }

    private Status MapInSpaces(in RecordedMapping mapping)
    {
        for (var i = 0; i < _spaces.Length; i++)
        {
            var status = MapIn(_spaces[i], mapping);
            if (status == Status.Ok)
                continue;
            while (--i >= 0)
            {
                if (_spaces[i].Unmap(new Iova(mapping.Start), mapping.Size) != Status.Ok)
                    _spaces[i].AddLeftover(this, mapping);
            }

            return status;
        }

        return Status.Ok;
    }

    private Status MapIn(RecordedSpace space, in RecordedMapping mapping)
    {
        var status = space.Map(new Iova(mapping.Start), new PhysicalAddress(mapping.Address), mapping.Size, mapping.Protection);
        if (status != Status.Ok)
            _lastSpace = space.Name;
        return status;
    }

    /// <summary>What can be removed in one go from a device address on: whole mappings without a hole between, or a part of one.</summary>
    private bool TryFindRun(ulong start, ulong size, out (ulong Bytes, bool IsCut) run)
    {
        run = default;
        if (!_mappings.TryFind(start, out var mapping) || mapping.Start > start)
            return false;
        var last = size - 1 > ulong.MaxValue - start ? ulong.MaxValue : start + (size - 1);
        if (mapping.Start < start || mapping.Last > last)
        {
            run = (Math.Min(mapping.Last, last) - start + 1, true);
            return true;
        }

        var end = mapping.Last;
        while (end < last && _mappings.TryFind(end + 1, out var next) && next.Start == end + 1 && next.Last <= last)
            end = next.Last;
        run = (end - start + 1, false);
        return true;
    }

    private Status UnmapWhole(ulong start, ulong size)
    {
        for (var i = 0; i < _spaces.Length; i++)
        {
            var status = UnmapIn(_spaces[i], start, size);
            if (status == Status.Ok)
                continue;
            _lastSpace = _spaces[i].Name;
            while (--i >= 0)
                RestoreIn(_spaces[i], start, size);
            return status;
        }

        for (ulong done = 0; done < size;)
        {
            _mappings.TryFind(start + done, out var mapping);
            done += mapping.Size;
            Forget(mapping);
        }

        return Status.Ok;
    }

    private Status UnmapIn(RecordedSpace space, ulong start, ulong size)
    {
        var status = space.Unmap(new Iova(start), size);
        return status == Status.NotFound && !_uneven.Add(space) ? Status.Ok : status; // once something is missing, gone is gone
    }

    /// <summary>Maps a run again where it was removed, since another space did not remove it.</summary>
    private void RestoreIn(RecordedSpace space, ulong start, ulong size)
    {
        for (ulong done = 0; done < size;)
        {
            _mappings.TryFind(start + done, out var mapping);
            done += mapping.Size;
            if (space.Map(new Iova(mapping.Start), new PhysicalAddress(mapping.Address), mapping.Size, mapping.Protection) != Status.Ok)
                _uneven.Add(space);
        }
    }

    private Status UnmapPart(ulong start, ulong size)
    {
        _mappings.TryFind(start, out var mapping);
        Hold(mapping); // nothing of it is freed before what stays is back
        var status = UnmapWhole(mapping.Start, mapping.Size);
        if (status == Status.Ok && start > mapping.Start)
            status = Restore(mapping.Slice(0, start - mapping.Start));
        var end = start + size - mapping.Start;
        if (status == Status.Ok && end < mapping.Size)
            status = Restore(mapping.Slice(end, mapping.Size - end));
        Release(mapping);
        return status;
    }

    private Status Restore(in RecordedMapping rest)
    {
        var status = MapInSpaces(rest);
        if (status == Status.Ok)
            Record(rest);
        return status;
    }

    private void Record(in RecordedMapping mapping)
    {
        _mappings.Add(mapping);
        Hold(mapping);
    }

    private void Forget(in RecordedMapping mapping)
    {
        _mappings.Remove(mapping.Start);
        Release(mapping);
    }
}
