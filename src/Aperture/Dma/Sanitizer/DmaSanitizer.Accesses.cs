using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Dma.Sanitizer;

// What the devices do.
public sealed unsafe partial class DmaSanitizer
{
    private const ulong PageMask = (1UL << PageIndex.Shift) - 1;

    /// <summary>Tells that a device reads, just before the bytes move.</summary>
    /// <param name="device">The device.</param>
    /// <param name="address">The first byte, as the device sees it.</param>
    /// <param name="physical">Where the access goes; of no account unless it does.</param>
    /// <param name="length">Bytes, not beyond the end of the device's page.</param>
    /// <param name="outcome">What becomes of it.</param>
    /// <param name="snoops">Whether it sees the CPU's caches.</param>
    public void OnRead(
        Device device, Iova address, PhysicalAddress physical, int length, AccessOutcome outcome, bool snoops = true)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (length <= 0 || TryFast(new Access(device, address, physical, (ulong)length, false, outcome), default, snoops))
            return;
        using (HoldAll())
        {
            Settle();
            t_isDriver = false;
            if (!IsAllowedNow(device))
                Judge(device, address, physical, (ulong)length, isWrite: false, outcome, snoops);
        }
    }

    /// <summary>Tells that a device writes, just before the bytes move.</summary>
    /// <param name="device">The device.</param>
    /// <param name="address">The first byte, as the device sees it.</param>
    /// <param name="physical">Where the access goes; of no account unless it does.</param>
    /// <param name="data">The bytes, not beyond the end of the device's page.</param>
    /// <param name="outcome">What becomes of it.</param>
    /// <param name="snoops">Whether the CPU's caches see it.</param>
    public void OnWrite(
        Device device, Iova address, PhysicalAddress physical, ReadOnlySpan<byte> data, AccessOutcome outcome, bool snoops = true)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (data.IsEmpty || TryFast(new Access(device, address, physical, (ulong)data.Length, true, outcome), data, snoops))
            return;
        using (HoldAll())
        {
            Settle();
            t_isDriver = false;
            if (!IsAllowedNow(device))
                Judge(device, address, physical, (ulong)data.Length, isWrite: true, outcome, snoops);
            if (outcome == AccessOutcome.Done)
                DeviceWrote(physical, data);
        }
    }

    /// <summary>Tells that a device does DMA although it should not be able to.</summary>
    /// <param name="device">The device.</param>
    /// <param name="address">The first byte, as the device sees it.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="why">What is missing, as the end of a sentence: <c>its clock was off</c>.</param>
    public void OnDead(Device device, Iova address, int length, string why)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(why);
        using (HoldAll())
        {
            t_isDriver = false;
            Report(FindingKind.DeviceSuspended, device, address, (ulong)length, $"the device did DMA at {address} while {why}", default,
                SpaceOf(device).Find(address.Value));
        }
    }

    private bool IsAllowedNow(Device device) => _allowed > 0 && WatchOf(device).Allowed > 0;

    private void Judge(
        Device device, Iova address, PhysicalAddress physical, ulong length, bool isWrite, AccessOutcome outcome, bool snoops)
    {
        CheckPower(device, address, length);
        if (!device.Dma.IsAttached)
        {
            if (!device.Dma.IsOffered) // else its driver brought its own domain
                AfterLetGo(new Access(device, address, physical, length, isWrite, outcome));
            return;
        }

        var space = SpaceOf(device);
        var last = LastOf(address, length);
        if (last > device.Dma.Mask.Value && last > device.Dma.CoherentMask.Value && device.Dma.IsAttached && last != ulong.MaxValue
            && space.Find(address.Value) is { } above) // what nothing maps is told as that
            Report(FindingKind.DeviceAboveMask, device, address, length,
                $"the device {Verb(isWrite)} 0x{length:x} bytes at {address}, above its mask {device.Dma.Mask}", default, above);
        for (var at = address.Value; ;)
        {
            ulong end;
            if (FindFor(space, at, isWrite) is { } mapping)
            {
                end = Math.Min(last, mapping.Last);
                Judge(mapping, device, at, end, isWrite, outcome, snoops, physical + (at - address.Value));
            }
            else
            {
                end = NextMapped(space, at, last);
                Stray(space, new Access(device, new Iova(at), physical + (at - address.Value), end - at + 1, isWrite, outcome));
            }

            if (end >= last)
                return;
            at = end + 1;
        }
    }

    /// <summary>The mapping that an access goes through: one of its direction where there are several.</summary>
    private static LiveMapping? FindFor(SpaceWatch space, ulong address, bool isWrite)
    {
        LiveMapping? best = null;
        foreach (var mapping in space.On(address))
        {
            if (!mapping.Contains(address, address) || mapping.IsArena)
                continue;
            if (mapping.Direction != (isWrite ? DmaDirection.ToDevice : DmaDirection.FromDevice))
                return mapping;
            best = mapping;
        }

        return best;
    }

    private static ulong NextMapped(SpaceWatch space, ulong at, ulong last)
    {
        var next = last;
        foreach (var mapping in space.On(at))
        {
            if (!mapping.IsArena && mapping.Start > at && mapping.Start - 1 < next)
                next = mapping.Start - 1;
        }

        return Math.Min(next, Math.Max(at, Math.Min(last, at | PageMask)));
    }

    private void Judge(LiveMapping mapping, Device device, ulong first, ulong last, bool isWrite, AccessOutcome outcome, bool snoops,
        PhysicalAddress physical)
    {
        var isAllowed = outcome == AccessOutcome.Done;
        var from = first - mapping.Start;
        var to = last - mapping.Start + 1;
        if (mapping.Direction == (isWrite ? DmaDirection.ToDevice : DmaDirection.FromDevice)
            && mapping.Api is not (MappingApi.Coherent or MappingApi.Block))
        {
            var fate = isAllowed ? "and nothing kept it from it" : "and the IOMMU refused it";
            Report(FindingKind.DeviceAgainstDirection, device, new Iova(first), to - from,
                $"the device {Verb(isWrite)} bytes 0x{from:x} to 0x{to - 1:x} of a mapping " +
                $"{MappingRecord.Describe(mapping.Direction)}, {fate}", default, mapping);
        }

        if (!isAllowed)
            return;
        CheckTurn(mapping, device, from, to, isWrite);
        if (!mapping.IsStreaming)
            return;
        CheckRims(mapping, default);
        if (!isWrite)
            CheckOutdated(mapping, from, to);
        if (!CheckWrites(mapping, from, to, isWrite ? "before the device wrote them" : "before the device read them", default) && !isWrite
            && !snoops && mapping.Pointer is not null)
            CheckCaches(mapping, from, to, physical);
        if (!isWrite || mapping.IsAnyTime)
            return;
        if (!mapping.Owned.IsEmpty)
            mapping.Owned.Remove(from, to); // the device uses it again, which is fine where the CPU did not write
        mapping.Traits |= MappingTraits.Moved;
        mapping.Fresh.Add(from, to);
    }

    private void CheckPower(Device device, Iova address, ulong length)
    {
        if (!device.Power.IsUp && device.Power.UseCount == 0 && device.Bound is not null)
        {
            Report(FindingKind.DeviceSuspended, device, address, length, $"the device did DMA at {address} while it was suspended",
                default, SpaceOf(device).Find(address.Value));
            return;
        }

        if (device.Iommu is not { } master)
            return;
        for (var i = 0; i < master.Ports.Count; i++)
        {
            var unit = master.Ports[i].Unit.Device;
            if (!unit.Power.IsUp && unit.Power.UseCount == 0)
                Report(FindingKind.DeviceSuspended, device, address, length,
                    $"the device did DMA at {address} while its IOMMU {unit.Name} was suspended", default,
                    SpaceOf(device).Find(address.Value));
        }
    }

    private static string Verb(bool isWrite) => isWrite ? "wrote" : "read";
}
