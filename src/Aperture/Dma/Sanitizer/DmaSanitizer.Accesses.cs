using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma.Flush;

namespace Aperture.Dma.Sanitizer;

// What the devices do.
public sealed partial class DmaSanitizer
{
    private const ulong PageMask = (1UL << PageIndex.Shift) - 1;

    /// <summary>Tells that a device reads, just before the bytes move.</summary>
    /// <param name="device">The device.</param>
    /// <param name="address">The first byte, as the device sees it.</param>
    /// <param name="physical">Where the access goes; of no account when it was refused.</param>
    /// <param name="length">Bytes, not beyond the end of the device's page.</param>
    /// <param name="isAllowed">Whether the access goes on to memory; false when a unit keeps it.</param>
    /// <param name="snoops">Whether it sees the CPU's caches.</param>
    public void OnRead(Device device, Iova address, PhysicalAddress physical, int length, bool isAllowed, bool snoops = true)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (length <= 0)
            return;
        lock (_lock)
        {
            _isDriver = false;
            if (!IsAllowedNow(device))
                Judge(device, address, physical, (ulong)length, isWrite: false, isAllowed, snoops);
        }
    }

    /// <summary>Tells that a device writes, just before the bytes move.</summary>
    /// <param name="device">The device.</param>
    /// <param name="address">The first byte, as the device sees it.</param>
    /// <param name="physical">Where the access goes; of no account when it was refused.</param>
    /// <param name="data">The bytes, not beyond the end of the device's page.</param>
    /// <param name="isAllowed">Whether the access goes on to memory; false when a unit keeps it.</param>
    /// <param name="snoops">Whether the CPU's caches see it.</param>
    public void OnWrite(Device device, Iova address, PhysicalAddress physical, ReadOnlySpan<byte> data, bool isAllowed, bool snoops = true)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (data.IsEmpty)
            return;
        lock (_lock)
        {
            _isDriver = false;
            if (!IsAllowedNow(device))
                Judge(device, address, physical, (ulong)data.Length, isWrite: true, isAllowed, snoops);
            if (isAllowed)
                DeviceWrote(physical, data);
        }
    }

    private bool IsAllowedNow(Device device) => _allowed.Count > 0 && _allowed.ContainsKey(device);

    private void Judge(Device device, Iova address, PhysicalAddress physical, ulong length, bool isWrite, bool isAllowed, bool snoops)
    {
        CheckPower(device, address, length);
        if (!_spaces.TryGetValue(KeyOf(device), out var space) || !space.IsUsed)
        {
            if (device.Dma.IsAttached && (device.Dma.Domain is null || IsFailedAddress(device, address)))
                Stray(null, device, address, physical, length, isWrite, isAllowed);
            return;
        }

        var last = LastOf(address, length);
        if (last > device.Dma.Mask.Value && last > device.Dma.CoherentMask.Value && device.Dma.IsAttached && last != ulong.MaxValue
            && !(_failed.Count > 0 && IsFailedAddress(device, address)))
            Report(FindingKind.DeviceAboveMask, device, address, length,
                $"the device {Verb(isWrite)} 0x{length:x} bytes at {address}, above its mask {device.Dma.Mask}", default,
                space.Find(address.Value));
        for (var at = address.Value; ;)
        {
            ulong end;
            if (FindFor(space, at, isWrite) is { } mapping)
            {
                end = Math.Min(last, mapping.Last);
                Judge(mapping, device, at, end, isWrite, isAllowed, snoops, physical + (at - address.Value));
            }
            else
            {
                end = NextMapped(space, at, last);
                Stray(space, device, new Iova(at), physical + (at - address.Value), end - at + 1, isWrite, isAllowed);
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
        foreach (var mapping in space.Pages.On(address))
        {
            if (!mapping.Contains(address, address))
                continue;
            if (mapping.Record.Direction != (isWrite ? DmaDirection.ToDevice : DmaDirection.FromDevice))
                return mapping;
            best = mapping;
        }

        return best;
    }

    private static ulong NextMapped(SpaceWatch space, ulong at, ulong last)
    {
        var next = last;
        foreach (var mapping in space.Pages.On(at))
        {
            if (mapping.Start > at && mapping.Start - 1 < next)
                next = mapping.Start - 1;
        }

        return Math.Min(next, Math.Max(at, Math.Min(last, at | PageMask)));
    }

    private void Judge(LiveMapping mapping, Device device, ulong first, ulong last, bool isWrite, bool isAllowed, bool snoops,
        PhysicalAddress physical)
    {
        var from = first - mapping.Start;
        var to = last - mapping.Start + 1;
        if (mapping.Record.Direction == (isWrite ? DmaDirection.ToDevice : DmaDirection.FromDevice)
            && mapping.Record.Api != MappingApi.Coherent)
        {
            var fate = isAllowed ? "and nothing kept it from it" : "and the IOMMU refused it";
            Report(FindingKind.DeviceAgainstDirection, device, new Iova(first), to - from,
                $"the device {Verb(isWrite)} bytes 0x{from:x} to 0x{to - 1:x} of a mapping " +
                $"{MappingRecord.Describe(mapping.Record.Direction)}, {fate}", default, mapping);
        }

        if (!isAllowed || mapping.Copy is null)
            return;
        if (!CheckWrites(mapping, from, to, isWrite ? "before the device wrote them" : "before the device read them", default) && !isWrite
            && !snoops)
            CheckCaches(mapping, from, to, physical);
        if (isWrite && !mapping.Owned.IsEmpty)
            mapping.Owned.Remove(from, to); // the device uses it again, which is fine where the CPU did not write
    }

    private void CheckPower(Device device, Iova address, ulong length)
    {
        if (!device.Power.IsActive && device.Power.UseCount == 0 && device.Bound is not null)
        {
            Report(FindingKind.DeviceSuspended, device, address, length, $"the device did DMA at {address} while it was suspended",
                default, null);
            return;
        }

        if (device.Iommu is not { } master)
            return;
        for (var i = 0; i < master.Ports.Count; i++)
        {
            var unit = master.Ports[i].Unit.Device;
            if (!unit.Power.IsActive && unit.Power.UseCount == 0)
                Report(FindingKind.DeviceSuspended, device, address, length,
                    $"the device did DMA at {address} while its IOMMU {unit.Name} was suspended", default, null);
        }
    }

    /// <summary>An access that no mapping explains.</summary>
    private void Stray(SpaceWatch? space, Device device, Iova address, PhysicalAddress physical, ulong length, bool isWrite, bool isAllowed)
    {
        var what = $"the device {Verb(isWrite)} 0x{length:x} bytes at {address}";
        if (IsFailedAddress(device, address))
        {
            Report(FindingKind.FailedMappingUsed, device, address, length,
                $"{what}, the address of a mapping that failed at {_failed[device]}", default, null);
            return;
        }

        if (space is { IsPartial: true })
            return;
        var near = space is null ? null : Nearest(space, address.Value);
        if (space is not null && space.TryFindPast(address.Value, LastOf(address, length), out var past)
            && (near is null || past.EndedAt > near.Record.MadeAt))
        {
            ReportStory(FindingKind.DeviceUseAfterUnmap, device, address, length, $"{what}, {Because(device, address, isAllowed)}",
                default, past);
            return;
        }

        if (near is not null)
        {
            var side = address.Value > near.Last ? $"{Distance(address.Value - near.Last - 1)}behind the end"
                : $"{Distance(near.Start - address.Value - length)}before the start";
            Report(FindingKind.DeviceOutsideMapping, device, address, length,
                $"{what}, {side} of a mapping of 0x{near.Length:x} bytes, " +
                $"{(isAllowed ? "in a page that it makes reachable" : "and the IOMMU refused it")}", default, near);
            return;
        }

        if (!isAllowed)
            return; // the unit reports the fault, and no mapping has to do with it
        if (device.Dma.Domain is { } domain && domain.TryTranslate(address, out _))
            return; // its driver, or the core, mapped it in the domain itself
        foreach (var other in _physical.On(physical.Value))
        {
            if (other.Device == device || other.Memory.Value > physical.Value + (length - 1) || physical.Value > other.MemoryLast)
                continue;
            Report(FindingKind.DeviceInForeignMapping, device, address, length,
                $"{what} and reached memory that {other.Device.Name} has mapped and it has not", default, other);
            return;
        }

        Report(FindingKind.DeviceUseOfUnmapped, device, address, length,
            $"{what} and reached memory at {physical}, which it has not mapped", default, null);
    }

    private bool IsFailedAddress(Device device, Iova address) =>
        _failed.Count > 0 && _failed.ContainsKey(device)
            && (address.Value >= ulong.MaxValue - PageMask || (address.Value | PageMask) == uint.MaxValue);

    private static LiveMapping? Nearest(SpaceWatch space, ulong address)
    {
        LiveMapping? nearest = null;
        var least = ulong.MaxValue;
        foreach (var mapping in space.Pages.On(address))
        {
            var distance = address > mapping.Last ? address - mapping.Last : mapping.Start - address;
            if (distance >= least)
                continue;
            nearest = mapping;
            least = distance;
        }

        return nearest;
    }

    private static string Because(Device device, Iova address, bool isAllowed)
    {
        if (!isAllowed)
            return "whose mapping had ended, and the IOMMU refused it";
        if (device.Dma.Domain is not { } domain)
            return "whose mapping had ended; no IOMMU stands between";
        if (domain.TryTranslate(address, out _))
            return "whose mapping had ended, and reached what the page tables hold there now";
        return domain.Queue is FlushQueue queue && queue.Statistics.PendingBytes > 0
            ? "whose mapping had ended; only the flush queue, which has not invalidated yet, let it through"
            : "whose mapping had ended; only a stale entry of the IOTLB let it through: an invalidation is missing";
    }

    private static string Distance(ulong bytes) => bytes == 0 ? "right " : $"0x{bytes:x} bytes ";

    private static string Verb(bool isWrite) => isWrite ? "wrote" : "read";
}
