using System.Globalization;
using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Linux.Memory;

namespace Aperture.Linux.AddressSpaces;

// Maps and unmaps.
internal sealed partial class HostDomain
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
            var mapping = new HostMapping(iova.Value, size, address.Value, protection & Protection.ReadWrite);
            var status = MapInSpaces(mapping);
            if (status != Status.Ok)
                return status;
            _mappings.Add(mapping);
            _memory.CountMapped(mapping.Address, mapping.Size);
        }

        _trace?.Map(iova, address, size);
        return Status.Ok;
    }

    /// <inheritdoc/>
    /// <remarks>The units forget at once, so that nothing is gathered. The kernel cannot cut a mapping: when an end lies inside one, all of it goes for
    /// a moment and what shall stay comes back. A device that uses what shall stay must not be busy meanwhile.</remarks>
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
        }

        _trace?.Unmap(iova, size, unmapped);
        return status;
    }

    /// <inheritdoc/>
    public override string? Explain(Status status)
    {
        var where = _lastSpace.Length == 0 ? "the IOMMU" : _lastSpace;
        return status switch
        {
            Status.NoMemory => $"the kernel could not pin the memory: {LockedMemory.Describe()}",
            Status.NoSpace => string.Create(CultureInfo.InvariantCulture, $"{where} has {_mappings.Count} mappings and takes no more, or no device address is left: map larger pieces, or raise dma_entry_limit of the module vfio_iommu_type1"),
            Status.OutOfRange => $"{where} maps {string.Join(", ", _ranges)} only",
            Status.BadAddress => "there is no memory of this process at the address, or it is not writable",
            Status.AlreadyExists => "something is mapped there already",
            Status.NoDevice => $"{where} has no IOMMU: a device address would be a physical one, and the kernel keeps no page where it is; use a device behind an IOMMU for DMA",
            Status.InvalidArgument => string.Create(CultureInfo.InvariantCulture, $"addresses and sizes must be multiples of 0x{_page:x}, and a right is needed"),
            _ => null,
        };
    }

    private Status MapInSpaces(in HostMapping mapping)
    {
        for (var i = 0; i < _spaces.Length; i++)
        {
            var status = _spaces[i].Map(new Iova(mapping.Start), mapping.Address, mapping.Size, mapping.Protection);
            if (status == Status.Ok)
                continue;
            _lastSpace = _spaces[i].Name;
            while (--i >= 0)
                _spaces[i].Unmap(new Iova(mapping.Start), mapping.Size);
            return status;
        }

        return Status.Ok;
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
        foreach (var space in _spaces)
        {
            var status = space.Unmap(new Iova(start), size);
            if (status != Status.Ok)
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

    private Status UnmapPart(ulong start, ulong size)
    {
        _mappings.TryFind(start, out var mapping);
        _memory.CountMapped(mapping.Address, mapping.Size); // nothing of it is freed before what stays is back
        var status = UnmapWhole(mapping.Start, mapping.Size);
        if (status == Status.Ok && start > mapping.Start)
            status = Restore(mapping.Slice(0, start - mapping.Start));
        var end = start + size - mapping.Start;
        if (status == Status.Ok && end < mapping.Size)
            status = Restore(mapping.Slice(end, mapping.Size - end));
        _memory.CountUnmapped(mapping.Address, mapping.Size);
        return status;
    }

    private Status Restore(in HostMapping rest)
    {
        var status = MapInSpaces(rest);
        if (status != Status.Ok)
            return status;
        _mappings.Add(rest);
        _memory.CountMapped(rest.Address, rest.Size);
        return Status.Ok;
    }

    private void Forget(in HostMapping mapping)
    {
        _mappings.Remove(mapping.Start);
        _memory.CountUnmapped(mapping.Address, mapping.Size);
    }
}
