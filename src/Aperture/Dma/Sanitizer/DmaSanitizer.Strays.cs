using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma.Flush;

namespace Aperture.Dma.Sanitizer;

// Accesses that no mapping explains.
public sealed partial class DmaSanitizer
{
    private const ulong SmallAddress = 0x10000; // below it an address looks like an offset

    private void Stray(SpaceWatch space, in Access access)
    {
        var device = access.Device;
        var domain = device.Dma.Domain;
        if (IsFailedAddress(device, access.Address))
        {
            var failed = FailedOf(device, 0)!.Value;
            ReportStory(FindingKind.FailedMappingUsed, device, access.Address, access.Length,
                $"{access.What}, the address of a mapping that failed at {failed.Made}", default, failed);
            return;
        }

        if (space.IsPartial || (domain is not null && device.Iommu?.Domain != domain))
            return; // it is not known, or the driver has another domain in force
        var near = Nearest(space, access.Address.Value);
        if (space.TryFindPast(access.Address.Value, access.Last, out var past) && (near is null || past.EndedAt > near.MadeAt))
        {
            ReportStory(FindingKind.DeviceUseAfterUnmap, device, access.Address, access.Length,
                $"{access.What}, {Because(access)}{Holder(access, past)}", default, past);
            return;
        }

        if (near is not null)
        {
            Report(FindingKind.DeviceOutsideMapping, device, access.Address, access.Length,
                $"{access.What}, {Side(near, access)} of a mapping of 0x{near.Length:x} bytes, " +
                $"{access.Kept ?? "in a page that it makes reachable"}", default, near);
            return;
        }

        if (WatchOf(device) is { Former: { } former } watch && former != space
            && former.TryFindPast(access.Address.Value, access.Last, out past) && past.Device == device.Name)
        {
            ReportStory(FindingKind.DeviceUseAfterUnmap, device, access.Address, access.Length,
                $"{access.What}, an address from before {DriverOf(watch)} let go of the device (call {watch.LetGoAt})" +
                $"{Ending(access)}{Holder(access, past)}", default, past);
            return;
        }

        if (access.IsDone && IsOwnBusiness(space, access))
            return;
        if (access.IsDone && HolderOf(access, default) is { } other && other.Device != device)
        {
            Report(FindingKind.DeviceInForeignMapping, device, access.Address, access.Length,
                $"{access.What} and reached memory that {other.Device.Name} has mapped and it has not", default, other);
            return;
        }

        if (!access.IsDone && domain?.FaultHandler is not null)
            return; // the driver hears of it, and said that it can
        ReportUnmapped(space, access);
    }

    /// <summary>Whether the driver, or the core, mapped an address in the domain itself.</summary>
    private static bool IsOwnBusiness(SpaceWatch space, in Access access)
    {
        if (access.Device.Dma.Domain is not { } domain || !domain.TryTranslate(access.Address, out _))
            return false;
        foreach (var mapping in space.On(access.Address.Value))
        {
            if (mapping.IsArena && mapping.Contains(access.Address.Value, access.Address.Value))
                return false;
        }

        return true;
    }

    private void ReportUnmapped(SpaceWatch space, in Access access)
    {
        LiveMapping? below = null, above = null;
        ulong longest = 0;
        foreach (var mapping in AllLive)
        {
            if (mapping.Space != space || mapping.IsArena)
                continue;
            longest = Math.Max(longest, mapping.Length);
            if (mapping.Last < access.Address.Value)
                below = below is null || mapping.Last > below.Last ? mapping : below;
            else if (mapping.Start > access.Address.Value)
                above = above is null || mapping.Start < above.Start ? mapping : above;
        }

        var message = $"{access.What}, which nothing maps, {access.Kept ?? $"and reached memory at {access.Physical}"}" +
            Guess(space, access, IsBeside(below, above, access) ? 0 : Math.Max(longest, SmallAddress))
            + Beside(below, access) + Beside(above, access);
        ReportStory(FindingKind.DeviceUseOfUnmapped, access.Device, access.Address, access.Length, message, default,
            Closer(below, above, access)?.Record, nearest: RecordsOf(below, above));
    }

    private static bool IsBeside(LiveMapping? below, LiveMapping? above, in Access access) =>
        access.Address.Value - 1 == below?.Last || access.Last + 1 == above?.Start;

    private static List<MappingRecord> RecordsOf(LiveMapping? below, LiveMapping? above)
    {
        var records = new List<MappingRecord>();
        if (below is not null)
            records.Add(below.Record);
        if (above is not null)
            records.Add(above.Record);
        return records;
    }

    private static LiveMapping? Closer(LiveMapping? below, LiveMapping? above, in Access access) =>
        below is null || (above is not null && above.Start - access.Address.Value < access.Address.Value - below.Last) ? above : below;

    private static string Beside(LiveMapping? mapping, in Access access) => mapping is null ? ""
        : $"; {Side(mapping, access)} of 0x{mapping.Length:x} bytes at {mapping.Address} that were mapped at {mapping.Made}";

    /// <summary>What an address may be that was not meant to be one.</summary>
    private string Guess(SpaceWatch space, in Access access, ulong small)
    {
        var address = access.Address.Value;
        foreach (var mapping in _pages.On(address))
        {
            if (mapping.Space == space && mapping.Memory.Value <= address && address <= mapping.MemoryLast)
                return $"; it is the physical address of byte 0x{address - mapping.Memory.Value:x} of what was mapped at " +
                    $"{mapping.Made}, which the device finds at {mapping.Address + (address - mapping.Memory.Value)}";
        }

        if (space.TryFindPastMemory(access.Device.Name, address, out var past))
            return $"; it is the physical address of byte 0x{address - past.Memory.Value:x} of what was mapped at {past.Made} and has " +
                "ended";
        return address < small ? "; so small an address looks like an offset without a base" : "";
    }

    /// <summary>The device does DMA while no driver has it.</summary>
    private void AfterLetGo(in Access access)
    {
        var device = access.Device;
        if (WatchOf(device) is not { Former: { } former } watch)
            return; // no driver was there
        var when = $"after {DriverOf(watch)} had let go of the device (call {watch.LetGoAt})";
        if (former.TryFindPast(access.Address.Value, access.Last, out var past))
            ReportStory(FindingKind.DeviceUseAfterUnmap, device, access.Address, access.Length,
                $"{access.What} {when}{Ending(access)}{Holder(access, past)}", default, past, past.Driver);
        else if (access.IsDone)
            ReportStory(FindingKind.DeviceUseOfUnmapped, device, access.Address, access.Length,
                $"{access.What} {when}, and reached memory at {access.Physical}{Holder(access, default)}", LastCallOf(device), null,
                watch.FormerDriver);
    }

    /// <summary>Where the device's driver called last.</summary>
    private CallSite LastCallOf(Device device)
    {
        var watch = WatchOf(device);
        var (site, at) = (watch.LastCall, watch.LastCallAt);
        foreach (var space in (SpaceWatch?[])[watch.Former, watch.Space])
        {
            foreach (var mapping in space?.Known ?? [])
            {
                if (mapping.Device != device)
                    continue;
                if (mapping.MadeAt > at && mapping.Made.IsKnown)
                    (site, at) = (mapping.Made, mapping.MadeAt);
                if (mapping.End == MappingEnd.Unmapped && mapping.EndedAt > at && mapping.EndedFile.Length > 0)
                    (site, at) = (new CallSite(mapping.EndedFile, mapping.EndedLine), mapping.EndedAt);
            }
        }

        return site;
    }

    private static string DriverOf(DeviceWatch watch) => watch.FormerDriver is { } name ? $"its driver {name}" : "its driver";

    private static string Ending(in Access access) => access.Kept is { } kept ? $", {kept}" : $", and reached memory at {access.Physical}";

    /// <summary>Who has the memory now that a device reached by an address of before, in words.</summary>
    private string Holder(in Access access, in MappingRecord past)
    {
        if (!access.IsDone)
            return "";
        return HolderOf(access, past) is { } now
            ? $"; {now.Device.Name} has that memory mapped now, at {now.Made}" : "; nobody has that memory mapped now";
    }

    private LiveMapping? HolderOf(in Access access, in MappingRecord past)
    {
        var (first, last) = (access.Physical.Value, access.Physical.Value + (access.Length - 1));
        foreach (var mapping in _pages.On(first))
        {
            if (mapping.Memory.Value <= last && first <= mapping.MemoryLast && mapping.MadeAt > past.MadeAt && !mapping.IsArena)
                return mapping;
        }

        return null;
    }

    private bool IsFailedAddress(Device device, Iova address) =>
        (address.Value >= ulong.MaxValue - PageMask || (address.Value | PageMask) == uint.MaxValue)
            && WatchOf(device).Failed.Count > 0;

    private static LiveMapping? Nearest(SpaceWatch space, ulong address)
    {
        LiveMapping? nearest = null;
        var least = ulong.MaxValue;
        foreach (var mapping in space.On(address))
        {
            var distance = address > mapping.Last ? address - mapping.Last : mapping.Start - address;
            if (distance >= least || mapping.IsArena)
                continue;
            nearest = mapping;
            least = distance;
        }

        return nearest;
    }

    private static string Because(in Access access)
    {
        var device = access.Device;
        if (access.Kept is { } kept)
            return $"whose mapping had ended, {kept}";
        if (device.Dma.Domain is not { } domain)
            return "whose mapping had ended; no IOMMU stands between";
        if (domain.TryTranslate(access.Address, out _))
            return "whose mapping had ended, and reached what the page tables hold there now";
        return domain.Queue is FlushQueue queue && queue.Statistics.PendingBytes > 0
            ? "whose mapping had ended; only the flush queue, which has not invalidated yet, let it through"
            : "whose mapping had ended; only a stale entry of the IOTLB let it through: an invalidation is missing";
    }

    private static string Side(LiveMapping mapping, in Access access) => access.Address.Value > mapping.Last
        ? $"{Distance(access.Address.Value - mapping.Last - 1)}behind the end"
        : $"{Distance(mapping.Start - access.Address.Value - access.Length)}before the start";

    private static string Distance(ulong bytes) => bytes == 0 ? "right " : $"0x{bytes:x} bytes ";
}
