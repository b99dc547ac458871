using Aperture.Core;

namespace Aperture.Dma.Sanitizer;

// The way of calls and accesses with which all is well: each holds the lock of one space. Whatever may be a finding, or concerns mappings
// of other spaces, changes nothing here and is judged by the others, which hold everything.
public sealed unsafe partial class DmaSanitizer
{
    private bool TryFast(DmaContext context, in DmaEvent call)
    {
        if (_suspicions != 0 || FastSpaceOf(context) is not { } space)
            return false;
        var watch = (DeviceWatch)context.Watch!;
        using (space.Lock.EnterScope())
        {
            if (space.IsGone || watch.Space != space || watch.Allowed > 0)
                return false;
            var isDone = call.Kind switch
            {
                DmaEventKind.Map => TryFastMap(space, watch, context, call),
                DmaEventKind.Unmap => TryFastUnmap(space, context, call),
                DmaEventKind.SyncForCpuBegins => TryFastSync(space, context, call, SyncStep.BeginsForCpu),
                DmaEventKind.SyncForCpu => TryFastSync(space, context, call, SyncStep.ForCpu),
                DmaEventKind.SyncForDevice => TryFastSync(space, context, call, SyncStep.ForDevice),
                DmaEventKind.SyncForDeviceEnds => TryFastSync(space, context, call, SyncStep.EndsForDevice),
                _ => false,
            };
            if (isDone && call.File is { Length: > 0 })
                watch.LastCall = new CallSite(call.File, call.Line);
            return isDone;
        }
    }

    private SpaceWatch? FastSpaceOf(DmaContext context) =>
        context.Watch is DeviceWatch { Space: { } space } watch && watch.Owner == this
            && space.Key == (context.Domain ?? (object)context.Device) ? space : null;

    private bool TryFastMap(SpaceWatch space, DeviceWatch watch, DmaContext context, in DmaEvent call)
    {
        if (call.Status != Status.Ok || call.Length == 0 || (call.Attributes & ~DmaAttributes.SkipCpuSync) != 0 || IsManaged(call)
            || (_memory is not null && call.Pointer != 0
                && (!_memory.TryGetPointer(call.Origin, 1, out var known) || call.Pointer != (nint)known))
            || watch.DriverItself != context.Device.Driver || !TryCount(space))
            return false;
        Tick();
        var mapping = space.Take();
        mapping.Record = RecordOf(context.Device, call, MappingApi.Single, call.Address, call.Origin, call.Length, call.IsBounced);
        mapping.Serial = call.Serial;
        mapping.Device = context.Device;
        mapping.Space = space;
        mapping.Scatter = 0;
        mapping.ScatterCount = 0;
        mapping.IsCached = !context.IsCoherent && !call.IsBounced;
        mapping.Pointer = null;
        // Whoever else maps the same pages meanwhile sees this one, or is seen.
        if (!TryAddAlone(mapping))
        {
            space.Return(mapping);
            return false;
        }

        space.Add(mapping);
        StartContents(mapping, call.Pointer, false, isLazy: true);
        if ((call.Attributes & DmaAttributes.SkipCpuSync) != 0)
            mapping.Owned.Add(0, call.Length);
        return true;
    }

    /// <summary>Adds a mapping by its memory where on its pages there are others of the same device at most, in other lines of the cache.
    /// False, and nothing done, where there are more.</summary>
    private bool TryAddAlone(LiveMapping mapping)
    {
        var rest = (ulong)Line - 1;
        var (first, last) = (mapping.Memory.Value & ~rest, mapping.MemoryLast | rest);
        var end = mapping.MemoryLast >> PageIndex.Shift;
        for (var page = mapping.Memory.Value >> PageIndex.Shift; page <= end; page++)
        {
            var at = page << PageIndex.Shift;
            var isAlone = true;
            using (var held = _physical.Hold(at))
            {
                foreach (var other in held.Pages.On(at))
                    isAlone &= other.Device == mapping.Device && (other.Memory.Value > last || first > other.MemoryLast);
                if (isAlone)
                    held.Pages.Add(mapping, at, at);
            }

            if (isAlone)
                continue;
            if (page != mapping.Memory.Value >> PageIndex.Shift)
                _physical.Remove(mapping, mapping.Memory.Value, at - 1);
            return false;
        }

        return true;
    }

    private bool TryFastUnmap(SpaceWatch space, DmaContext context, in DmaEvent call)
    {
        var isSkipped = (call.Attributes & DmaAttributes.SkipCpuSync) != 0;
        if (FastFind(space, context, call) is not { Record.Api: MappingApi.Single, IsFreed: false } mapping
            || mapping.Address != call.Address || mapping.Length != call.Length || mapping.Record.Direction != call.Direction
            || (isSkipped && !mapping.Fresh.IsEmpty) || !IsAsItWas(mapping, 0, mapping.Length, hasRims: true))
            return false;
        Tick();
        Remove(mapping, MappingEnd.Unmapped, call.File is { Length: > 0 } file ? new CallSite(file, call.Line)
            : UsingSites.Of(mapping.Record.Made));
        return true;
    }

    private bool TryFastSync(SpaceWatch space, DmaContext context, in DmaEvent call, SyncStep step)
    {
        if (call.Length == 0 || FastFind(space, context, call) is not { IsStreaming: true, IsFreed: false } mapping
            || !mapping.Contains(call.Address.Value, LastOf(call.Address, call.Length)) || mapping.Record.Direction != call.Direction)
            return false;
        var from = call.Address - mapping.Address;
        var to = from + call.Length;
        if (step == SyncStep.ForDevice && mapping is { Record: { IsBounced: true, Direction: DmaDirection.Bidirectional } })
            return false;
        // What the CPU wrote in its turn it gives back now; anything else that it wrote is judged elsewhere.
        var isWrittenByRight = step == SyncStep.ForDevice && mapping.Record.Direction != DmaDirection.FromDevice
            && (mapping.Record.Direction == DmaDirection.ToDevice || mapping.Owned.Covers(from, to));
        if (step is SyncStep.BeginsForCpu or SyncStep.ForDevice
            || (step == SyncStep.ForCpu && !mapping.IsCached && !mapping.Record.IsBounced))
        {
            if (!IsAsItWas(mapping, from, isWrittenByRight ? from : to, hasRims: true))
                return false;
        }

        if (step is SyncStep.ForCpu or SyncStep.ForDevice)
            Tick();
        if (step != SyncStep.BeginsForCpu)
            Renew(mapping, from, to);
        if (step == SyncStep.ForCpu)
            mapping.Owned.Add(from, to);
        else if (step == SyncStep.ForDevice)
            mapping.Owned.Remove(from, to);
        if (step is SyncStep.ForCpu or SyncStep.ForDevice)
        {
            mapping.Fresh.Remove(from, to);
            mapping.Told.Remove(from, to);
        }

        return true;
    }

    /// <summary>The mapping that a call names by its number.</summary>
    private static LiveMapping? FastFind(SpaceWatch space, DmaContext context, in DmaEvent call)
    {
        if (call.Serial == 0)
            return null;
        foreach (var mapping in space.Pages.On(call.Address.Value))
        {
            if (mapping.Serial == call.Serial && mapping.Device == context.Device && mapping.Record.Api != MappingApi.Block)
                return mapping;
        }

        return null;
    }

    /// <summary>Whether bytes are those of the copy, and so nobody wrote them who had not to.</summary>
    private static bool IsAsItWas(LiveMapping mapping, ulong from, ulong to, bool hasRims)
    {
        if (mapping.Copy is null)
            return true;
        var (first, last) = ((long)from, (long)to);
        if (hasRims && (mapping.Lead | mapping.Tail) != 0 && !mapping.SharesLine)
        {
            var end = (long)mapping.Length;
            if (!mapping.Cpu(-mapping.Lead, 0).SequenceEqual(mapping.CopyOf(-mapping.Lead, 0))
                || !mapping.Cpu(end, end + mapping.Tail).SequenceEqual(mapping.CopyOf(end, end + mapping.Tail)))
                return false;
        }

        return mapping.Cpu(first, last).SequenceEqual(mapping.CopyOf(first, last));
    }

    /// <summary>An access of a device through one mapping of its own, with which all is well.</summary>
    private bool TryFast(in Access access, ReadOnlySpan<byte> data, bool snoops)
    {
        var context = access.Device.Dma;
        if (_suspicions != 0 || !access.IsDone || !context.IsAttached || FastSpaceOf(context) is not { } space)
            return false;
        var watch = (DeviceWatch)context.Watch!;
        using (space.Lock.EnterScope())
        {
            if (space.IsGone || watch.Space != space || watch.Allowed > 0 || watch.Failed.Count > 0
                || (access.Last > context.Mask.Value && access.Last > context.CoherentMask.Value) || !HasPower(access.Device)
                || FindFor(space, access.Address.Value, access.IsWrite) is not { Sharers: null, IsFreed: false, IsAnyTime: false } mapping
                || !mapping.Contains(access.Address.Value, access.Last)
                || mapping.Record.Direction == (access.IsWrite ? DmaDirection.ToDevice : DmaDirection.FromDevice))
                return false;
            var from = access.Address - mapping.Address;
            var to = from + access.Length;
            if (!IsAsItWas(mapping, from, to, hasRims: true) || (!access.IsWrite && !snoops && mapping.IsCached))
                return false;
            if (!access.IsWrite)
                return true;
            if (!TryCopyWritten(space, access.Physical.Value, data))
                return false;
            mapping.Owned.Remove(from, to);
            mapping.Fresh.Add(from, to);
            return true;
        }
    }

    /// <summary>Brings what a device wrote into the copies of all mappings of the memory. False, and nothing done, where some are of
    /// another space.</summary>
    private bool TryCopyWritten(SpaceWatch space, ulong first, ReadOnlySpan<byte> data)
    {
        var last = first + ((ulong)data.Length - 1);
        if (first >> PageIndex.Shift != last >> PageIndex.Shift)
            return false;
        using var held = _physical.Hold(first);
        foreach (var mapping in held.Pages.On(first))
        {
            if (mapping.Space != space)
                return false;
        }

        DeviceWrote(new PhysicalAddress(first), data);
        return true;
    }

    private static bool HasPower(Devices.Device device)
    {
        if (!device.Power.IsUp && device.Power.UseCount == 0 && device.Bound is not null)
            return false;
        if (device.Iommu is not { } master)
            return true;
        for (var i = 0; i < master.Ports.Count; i++)
        {
            var unit = master.Ports[i].Unit.Device;
            if (!unit.Power.IsUp && unit.Power.UseCount == 0)
                return false;
        }

        return true;
    }
}
