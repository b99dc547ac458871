using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Core.Threading;
using Aperture.Dma.Memory;

namespace Aperture.Dma.Sanitizer;

// The way of calls and accesses with which all is well: each holds the lock of one space, which belongs to the thread that comes most.
// Whatever may be a finding, or concerns mappings of other spaces, changes nothing here and is judged by the others, which hold everything.
public sealed unsafe partial class DmaSanitizer
{
    // Without a try around all of it, which would keep in memory what can be in registers: what may throw lets the space go itself.

    /// <summary>One piece of memory was mapped.</summary>
    /// <param name="context">The device's API.</param>
    /// <param name="address">Where the device finds it.</param>
    /// <param name="memory">The memory that the driver gave.</param>
    /// <param name="pointer">Where the CPU finds that; null when it is not known.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="direction">Which way they go.</param>
    /// <param name="isSkipped">Whether the CPU's sync was left out.</param>
    /// <param name="isBounced">Whether the device uses a bounce buffer.</param>
    /// <param name="file">The caller's source file.</param>
    /// <param name="line">The line there.</param>
    /// <returns>The number of the mapping; 0, and nothing is done, where it has to be told by an event.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal uint TryMap(DmaContext context, Iova address, PhysicalAddress memory, byte* pointer, ulong length, DmaDirection direction,
        bool isSkipped, bool isBounced, string file, int line)
    {
        if (_suspicions != 0 || context.Watch is not { Quick: { } space } watch || watch.Owner != this
            || TryHold(space) is not { } thread)
            return 0;
        uint serial = 0;
        if (IsQuick(space, watch, context) && space.TryTake() is { } mapping)
        {
            mapping.SetMade(watch.Stay!, file);
            mapping.MadeLine = line;
            mapping.Address = address;
            mapping.Length = length;
            mapping.Memory = memory;
            mapping.Serial = serial = watch.NextSerial();
            mapping.MadeAt = space.Tick(thread) - _born;
            var traits = MappingTraits.Live | (isBounced ? MappingTraits.Bounced
                : context.IsCoherent ? MappingTraits.None : MappingTraits.Cached);
            var isIndexed = space.Domain is not null || address.Value != memory.Value;
            if (!isSkipped && _isLazy && (!isIndexed || space.Pages.HasRoomFor(mapping))
                && _pages.TryAddLone(mapping, space, pointer, out var cpu))
            {
                if (isIndexed)
                    space.Pages.AddOne(mapping);
                mapping.Pointer = cpu;
                traits |= MappingTraits.Lazy | (isIndexed ? MappingTraits.Indexed : MappingTraits.None);
                mapping.SetKind(MappingApi.Single, direction, traits);
            }
            else
            {
                mapping.SetKind(MappingApi.Single, direction, traits);
                if (!TryAddRest(mapping, pointer, isSkipped))
                    serial = 0;
            }
        }

        space.Lock.Exit();
        return serial;
    }

    /// <summary>The same for a device that finds all memory where it is: nothing bounces, no cache is between, nothing was left
    /// out.</summary>
    /// <param name="context">The device's API.</param>
    /// <param name="block">The memory.</param>
    /// <param name="direction">Which way the bytes go.</param>
    /// <param name="file">The caller's source file.</param>
    /// <param name="line">The line there.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal uint TryMapPlain(DmaContext context, in MemoryBlock block, DmaDirection direction, string file, int line)
    {
        if (_suspicions != 0 || context.Watch is not { Quick: { } space } watch || watch.Owner != this)
            return 0;
        byte here;
        var thread = space.Lock.TryEnterOwned(&here);
        if (thread is null && (thread = TryHoldSlowly(space, &here)) is null)
            return 0;
        uint serial = 0;
        if (watch.Quick == space && space.Domain is null && space.TryTake() is { } mapping)
        {
            mapping.SetMade(watch.Stay!, file);
            mapping.MadeLine = line;
            mapping.Address = new Iova(block.Address.Value);
            mapping.Length = (uint)block.Length;
            mapping.Memory = block.Address;
            mapping.Serial = serial = watch.NextSerial();
            mapping.SetKind(MappingApi.Single, direction, MappingTraits.Live | MappingTraits.Lazy);
            mapping.MadeAt = space.Tick(thread) - _born;
            if (_isLazy && _pages.TryAddLone(mapping, space, block.Pointer, out var cpu))
                mapping.Pointer = cpu;
            else if (!TryAddRest(mapping, block.Pointer, isSkipped: false))
                serial = 0;
        }

        space.Lock.Exit();
        return serial;
    }

    /// <summary>A mapping of a device without a domain is going to be ended, at a line that is known, in the simplest case.</summary>
    /// <param name="context">The device's API.</param>
    /// <param name="call">The mapping.</param>
    /// <param name="file">The caller's source file.</param>
    /// <param name="line">The line there.</param>
    /// <returns>Whether that is done; else nothing is, and there are other ways to tell it.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal bool TryUnmapPlain(DmaContext context, in DmaMapping call, string file, int line)
    {
        if (_suspicions != 0 || file.Length == 0 || context.Watch is not { Quick: { } space } watch || watch.Owner != this)
            return false;
        byte here;
        var thread = space.Lock.TryEnterOwned(&here);
        if (thread is null && (thread = TryHoldSlowly(space, &here)) is null)
            return false;
        LiveMapping? mapping = null;
        if (watch.Quick == space && space.Domain is null)
        {
            mapping = _pages.TryRemoveLone(space, call.Address.Value, call.Serial, MappingTraits.Plain & ~MappingTraits.Indexed);
            if (mapping is not null)
            {
                mapping.SetEnded(MappingEnd.Unmapped, file, line, space.Tick(thread) - _born);
                space.Remember(mapping);
            }
        }

        space.Lock.Exit();
        return mapping is not null;
    }

    /// <summary>A mapping of one piece of memory is going to be ended.</summary>
    /// <param name="context">The device's API.</param>
    /// <param name="call">The mapping.</param>
    /// <param name="isSkipped">Whether the CPU's sync is left out.</param>
    /// <param name="file">The caller's source file; empty where the language tells none.</param>
    /// <param name="line">The line there.</param>
    /// <returns>Whether all is well; else nothing is done, and it has to be told by an event.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal bool TryUnmap(DmaContext context, in DmaMapping call, bool isSkipped, string file, int line)
    {
        if (context.Domain is null && TryUnmapPlain(context, call, file, line))
            return true;
        if (_suspicions != 0 || context.Watch is not { Quick: { } space } watch || watch.Owner != this
            || TryHold(space) is not { } thread)
            return false;
        var isDone = false;
        if (IsQuick(space, watch, context) && file.Length > 0 && FastFind(space, context, call.Serial, call.Address.Value) is { } mapping)
        {
            if (mapping.Address.Value == call.Address.Value && mapping.Api == MappingApi.Single
                && (mapping.Traits & ~MappingTraits.Plain) == 0)
            {
                if (!_pages.TryRemoveLone(mapping, space))
                    _pages.Remove(mapping);
                if (mapping.IsIndexed)
                    space.Pages.Remove(mapping, mapping.Start, mapping.Last);
                mapping.SetEnded(MappingEnd.Unmapped, file, line, space.Tick(thread) - _born);
                space.Remember(mapping);
                isDone = true;
            }
            else
            {
                isDone = TryEndRest(mapping, thread, call, isSkipped, file, line);
            }
        }

        space.Lock.Exit();
        return isDone || (file.Length == 0 && TryEndUsing(space, context, call));
    }

    /// <summary>Ends a mapping that is not as simple as most. False, and nothing done, where something is wrong.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryEndRest(LiveMapping mapping, ThreadRecord thread, in DmaMapping call, bool isSkipped, string file, int line)
    {
        try
        {
            if (!IsWell(mapping, call, isSkipped))
                return false;
            Remove(mapping, MappingEnd.Unmapped, file, line, mapping.Space.Tick(thread) - _born);
            return true;
        }
        catch
        {
            mapping.Space.Lock.Exit();
            throw;
        }
    }

    /// <summary>The same at the end of a <c>using</c>, whose line has to be known.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryEndUsing(SpaceWatch space, DmaContext context, in DmaMapping call)
    {
        if (TryHold(space) is not { } thread)
            return false;
        CallSite made;
        byte here;
        try
        {
            if (!IsQuick(space, context.Watch!, context)
                || FastFind(space, context, call.Serial, call.Address.Value) is not { } mapping || !IsWell(mapping, call, isSkipped: false))
                return false;
            made = mapping.Made;
            if (UsingSites.TryFind(made, (nint)(&here), out var file, out var line))
            {
                Remove(mapping, MappingEnd.Unmapped, file, line, space.Tick(thread) - _born);
                return true;
            }
        }
        finally
        {
            space.Lock.Exit();
        }

        UsingSites.Learn(made, (nint)(&here));
        return false;
    }

    /// <summary>Whether a mapping ends as it should.</summary>
    private bool IsWell(LiveMapping mapping, in DmaMapping call, bool isSkipped) => mapping.Api == MappingApi.Single
        && (mapping.Traits & (MappingTraits.Freed | MappingTraits.Shared)) == 0 && mapping.Address == call.Address
        && mapping.Length == call.Length && mapping.Direction == call.Direction && !(isSkipped && !mapping.Fresh.IsEmpty)
        && IsNobodyElses(mapping) && IsAsItWas(mapping, 0, mapping.Length, hasRims: true);

    private bool TryFast(DmaContext context, in DmaEvent call)
    {
        if (call.Kind is not (DmaEventKind.SyncForCpuBegins or DmaEventKind.SyncForCpu or DmaEventKind.SyncForDevice
            or DmaEventKind.SyncForDeviceEnds) || _suspicions != 0 || context.Watch is not { Quick: { } space } watch
            || watch.Owner != this || TryHold(space) is not { } thread)
            return false;
        try
        {
            if (!IsQuick(space, watch, context))
                return false;
            var isDone = TryFastSync(space, thread, context, call, call.Kind switch
            {
                DmaEventKind.SyncForCpuBegins => SyncStep.BeginsForCpu,
                DmaEventKind.SyncForCpu => SyncStep.ForCpu,
                DmaEventKind.SyncForDevice => SyncStep.ForDevice,
                _ => SyncStep.EndsForDevice,
            });
            if (isDone && call.File is { Length: > 0 })
                watch.SetLastCall(call.File, call.Line, thread.Clock - _born);
            return isDone;
        }
        finally
        {
            space.Lock.Exit();
        }
    }

    /// <summary>Whether a space, now that it is held, is the device's, and no closer look is needed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsQuick(SpaceWatch space, DeviceWatch watch, DmaContext context) =>
        watch.Quick == space && space.Domain == context.Domain;

    /// <summary>Whether memory that a driver gave is where the CPU finds it; where there is no RAM to look into it is taken for
    /// that.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsWhereItSays(PhysicalAddress memory, ulong length, byte* pointer) => _memory is null
        || (_memory.TryGetPointer(memory, length, out var cpu) ? pointer == null || pointer == cpu : pointer == null);

    /// <summary>Adds a mapping that is not as simple as most. False, and nothing done, where others have to be looked at.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAddRest(LiveMapping mapping, byte* pointer, bool isSkipped)
    {
        var space = mapping.Space;
        try
        {
            // Whoever else maps the same pages meanwhile sees this one, or is seen.
            if (!IsWhereItSays(mapping.Memory, mapping.Length, pointer) || !_pages.TryAddAlone(mapping, _line))
            {
                space.Return(mapping);
                return false;
            }

            if (mapping.IsIndexed)
                space.Pages.Add(mapping, mapping.Start, mapping.Last);
            StartContents(mapping, (nint)pointer, false, isLazy: true);
            if (!isSkipped)
                return true;
            mapping.Traits |= MappingTraits.Moved;
            mapping.Owned.Add(0, mapping.Length);
            return true;
        }
        catch
        {
            space.Lock.Exit();
            throw;
        }
    }

    private bool TryFastSync(SpaceWatch space, ThreadRecord thread, DmaContext context, in DmaEvent call, SyncStep step)
    {
        if (call.Length == 0 || call.Serial == 0
            || FastFind(space, context, call.Serial, call.Address.Value) is not { IsStreaming: true, IsFreed: false } mapping
            || !mapping.Contains(call.Address.Value, LastOf(call.Address, call.Length)) || mapping.Direction != call.Direction)
            return false;
        var from = call.Address - mapping.Address;
        var to = from + call.Length;
        if (!IsNobodyElses(mapping)
            || (step == SyncStep.ForDevice && mapping is { IsBounced: true, Direction: DmaDirection.Bidirectional }))
            return false;
        // What the CPU wrote in its turn it gives back now; anything else that it wrote is judged elsewhere.
        var isWrittenByRight = step == SyncStep.ForDevice && mapping.Direction != DmaDirection.FromDevice
            && (mapping.Direction == DmaDirection.ToDevice || mapping.Owned.Covers(from, to));
        if (step is SyncStep.BeginsForCpu or SyncStep.ForDevice
            || (step == SyncStep.ForCpu && !mapping.IsCached && !mapping.IsBounced))
        {
            if (!IsAsItWas(mapping, from, isWrittenByRight ? from : to, hasRims: true))
                return false;
        }

        if (step is SyncStep.ForCpu or SyncStep.ForDevice)
            space.Tick(thread);
        if (step != SyncStep.BeginsForCpu)
            Renew(mapping, from, to);
        mapping.Traits |= MappingTraits.Moved;
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
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private LiveMapping? FastFind(SpaceWatch space, DmaContext context, uint serial, ulong address)
    {
        if (space.Domain is null)
        {
            for (var slot = _pages.FirstOf(space, address >> PageIndex.Shift); slot != 0;)
            {
                var mapping = space[slot];
                if (mapping.Serial == serial && mapping.Device == context.Device && mapping.Api != MappingApi.Block)
                    return mapping;
                slot = mapping.NextOn(address >> PageIndex.Shift);
            }
        }

        return serial == 0 ? null : space.Pages.Find(context.Device, serial, address);
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

        return WideBytes.AreSame(mapping.Cpu(first, last), mapping.CopyOf(first, last));
    }

    /// <summary>An access of a device through one mapping of its own, with which all is well.</summary>
    private bool TryFast(in Access access, ReadOnlySpan<byte> data, bool snoops)
    {
        var context = access.Device.Dma;
        if (_suspicions != 0 || !access.IsDone || !context.IsAttached || context.Watch is not { Quick: { } space } watch
            || watch.Owner != this || TryHold(space) is null)
            return false;
        try
        {
            if (!IsQuick(space, watch, context) || watch.Failed.Count > 0
                || (access.Last > context.Mask.Value && access.Last > context.CoherentMask.Value) || !HasPower(access.Device)
                || FindFor(space, access.Address.Value, access.IsWrite) is not { Sharers: null, IsFreed: false, IsAnyTime: false } mapping
                || !mapping.Brought.IsEmpty
                || !mapping.Contains(access.Address.Value, access.Last)
                || mapping.Direction == (access.IsWrite ? DmaDirection.ToDevice : DmaDirection.FromDevice))
                return false;
            var from = access.Address - mapping.Address;
            var to = from + access.Length;
            if (!IsAsItWas(mapping, from, to, hasRims: true) || (!access.IsWrite && !snoops && mapping.IsCached))
                return false;
            if (!access.IsWrite)
                return true;
            if (!TryCopyWritten(space, access.Physical.Value, data))
                return false;
            mapping.Traits |= MappingTraits.Moved;
            mapping.Owned.Remove(from, to);
            mapping.Fresh.Add(from, to);
            return true;
        }
        finally
        {
            space.Lock.Exit();
        }
    }

    /// <summary>Brings what a device wrote into the copies of all mappings of the memory. False, and nothing done, where some are of
    /// another space.</summary>
    private bool TryCopyWritten(SpaceWatch space, ulong first, ReadOnlySpan<byte> data)
    {
        var last = first + ((ulong)data.Length - 1);
        if (first >> PageIndex.Shift != last >> PageIndex.Shift)
            return false;
        return _pages.TryVisit(space, first >> PageIndex.Shift, data, first, CopyWritten);
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
