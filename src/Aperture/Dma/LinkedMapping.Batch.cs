using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Dma.Memory;

namespace Aperture.Dma;

// Pages that are linked one behind the other go into the tables together.
public sealed partial class LinkedMapping
{
    private readonly PhysicalAddress[] _batch = new PhysicalAddress[64]; // pages up to the end of the run that are not in the tables yet
    private int _batched;
    private ulong _lastPhysical;     // of memory that the tables take
    private ulong _batchEnd;         // up to where, from the start, pages behind the run can wait: their table is there
    private Protection _batchRights; // of those that wait, and of the page before them

    /// <summary>Lets a whole page that follows the run wait for others. Only where nothing is left that could refuse it: its table holds
    /// the page before it, no other run is there, and the table takes its address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryBatch(ulong offset, in MemoryBlock memory, DmaDirection direction, DmaAttributes attributes)
    {
        var page = _pageMask;
        var end = _runEnd + page + 1;
        var physical = memory.Address.Value;
        var batched = _batched;
        var batch = _batch;
        if (_offset + offset != _runEnd || end > _batchEnd || (ulong)memory.Length != page + 1 || (physical & page) != 0
            || (int)direction != _rightsOf || attributes != DmaAttributes.None || !memory.HasView || _rights != _batchRights
            || physical > _lastPhysical || (uint)batched >= (uint)batch.Length)
            return false;
        batch[batched] = new PhysicalAddress(physical);
        _batched = batched + 1;
        _runEnd = end;
        return true;
    }

    /// <summary>Maps what does not wait, behind everything that does.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Status MapNow(ulong first, ulong end, PhysicalAddress physical, Protection rights)
    {
        var status = MapBatch();
        if (status == Status.Ok)
            status = _domain.Map(_start + first, physical, end - first, rights, ref _untold);
        if (status != Status.Ok)
            return status;
        if (first != _runEnd)
        {
            EndRun();
            _runFirst = first;
        }

        _runEnd = end;
        _batchRights = rights;
        _batchEnd = 0;
        if (_span == 0)
            return Status.Ok;
        _batchEnd = Math.Min((_offset + Length) & ~_pageMask, ((_start.Value + end - 1) | (_span - 1)) + 1 - _start.Value);
        for (var i = 0; i < _runCount; i++)
        {
            if (_runs[i].End > end)
                _batchEnd = Math.Min(_batchEnd, _runs[i].First);
        }

        return Status.Ok;
    }

    /// <summary>Maps what waits.</summary>
    /// <returns>Anything but <see cref="Status.Ok"/>: the tables are corrupted, and the run ends before these pages.</returns>
    private Status MapBatch()
    {
        if (_batched == 0)
            return Status.Ok;
        var bytes = (ulong)_batched * (_pageMask + 1);
        var status = _domain.MapPages(_start + _runEnd - bytes, _batch.AsSpan(0, _batched), _batchRights, ref _untold);
        if (status != Status.Ok)
            _runEnd -= bytes;
        _batched = 0;
        return status;
    }
}
