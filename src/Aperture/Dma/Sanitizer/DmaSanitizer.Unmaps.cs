using Aperture.Devices;
using Aperture.Dma.Memory;

namespace Aperture.Dma.Sanitizer;

// Mappings and allocations as they end.
public sealed partial class DmaSanitizer
{
    internal void OnDetach(DmaContext context)
    {
        using (HoldAll())
        {
            Settle();
            Tick();
            t_isDriver = false; // what is left behind has no place
            var device = context.Device;
            var watch = WatchOf(device);
            watch.Failed.Clear();
            EndSharing(device);
            var leaks = MappingsOf(device);
            TellLeaks(leaks, "the driver let go of the device and left", "behind");
            foreach (var mapping in leaks)
            {
                if (!HandOver(mapping))
                    Remove(mapping, MappingEnd.Leaked, default);
            }

            // A domain goes with its devices, and a device may come back with another one.
            watch.Space = null;
            var driver = watch.Stay?.DriverName;
            watch.Stay = null;
            if (!_spaces.TryGetValue(KeyOf(device), out var space))
                return;
            watch.Former = space;
            watch.FormerDriver = driver;
            watch.LetGoAt = Now;
            if (!space.Live.Any())
                Drop(space);
        }
    }

    private LiveMapping[] MappingsOf(Device? device) =>
        [.. AllLive.Where(mapping => device is null || mapping.Device == device).OrderBy(mapping => mapping.MadeAt)];

    private void TellLeaks(LiveMapping[] leaks, string how, string where)
    {
        foreach (var site in leaks.Where(mapping => mapping.Api != MappingApi.Block)
            .GroupBy(mapping => (mapping.Device, mapping.Made, mapping.Api)))
        {
            var bytes = site.Aggregate(0UL, (sum, mapping) => sum + mapping.Length);
            var first = site.First();
            var count = site.Key.Api is MappingApi.Pages or MappingApi.Scatter ? site.DistinctBy(mapping => mapping.Scatter).Count()
                : site.Count();
            var what = count == 1 ? $"a {MappingRecord.Describe(site.Key.Api)}" : $"{count} of kind {MappingRecord.Describe(site.Key.Api)}";
            Report(FindingKind.Leak, first.Device, first.Address, count == 1 ? bytes : first.Length,
                $"{how} {what} {where}, 0x{bytes:x} bytes in all, made at {site.Key.Made}", default, first, first.Stay.DriverName);
        }
    }

    private void Unmap(DmaContext context, in DmaEvent call, MappingApi api)
    {
        var device = context.Device;
        if (call.Address.Value == ulong.MaxValue)
        {
            if (FailedOf(device, call.Serial) is { } failed)
                ReportStory(FindingKind.FailedMappingUsed, device, call.Address, call.Length,
                    $"a mapping was unmapped that failed at {failed.Made}", SiteOf(call), failed);
            return;
        }

        var space = SpaceOf(device);
        if (Match(space, context, call, api) is not { } mapping)
        {
            NotMapped(space, context, call);
            return;
        }

        CheckKind(mapping, call, api, "unmapped");
        if (mapping.IsArena)
            RemoveBlocks(mapping, call);
        if (mapping.Api == api && api != MappingApi.Scatter && mapping.Length != call.Length)
            Report(FindingKind.WrongSize, device, call.Address, Math.Max(call.Length, mapping.Length),
                $"0x{call.Length:x} bytes were unmapped of a mapping of 0x{mapping.Length:x}", SiteOf(call), mapping);
        End(mapping, call);
    }

    private void End(LiveMapping mapping, in DmaEvent call)
    {
        var site = call.File is { Length: > 0 } ? SiteOf(call) : UsingSites.Of(mapping.Made);
        if (mapping.IsStreaming)
        {
            EndContents(mapping, call, site);
            if ((call.Attributes & DmaAttributes.SkipCpuSync) != 0)
                KeepUnseen(mapping, site);
        }

        Remove(mapping, MappingEnd.Unmapped, site);
    }

    /// <summary>A failed map that nobody asked about: the one with a number, or the latest where there is none.</summary>
    private MappingRecord? FailedOf(Device device, uint serial)
    {
        var failed = WatchOf(device).Failed;
        var index = failed.FindLastIndex(map => serial == 0 || map.Serial == serial);
        return index < 0 ? null : failed[index].Record;
    }

    private void UnmapPieces(DmaContext context, in DmaEvent call, MappingApi api)
    {
        var space = SpaceOf(context.Device);
        var pieces = new Pieces(call.Memory, call.Segments);
        var count = CountOf(call.Memory);
        long list = 0;
        var rest = false;
        while (pieces.MoveNext())
        {
            var piece = PieceOf(call, pieces);
            if (Match(space, context, piece, api) is not { } mapping)
            {
                NotMapped(space, context, list == 0 ? PieceOf(call, pieces, BytesOf(call.Memory)) : piece);
                return;
            }

            if (list == 0)
            {
                CheckKind(mapping, piece, api, "unmapped");
                rest = CheckCount(mapping, piece, count, "unmapped");
            }

            list = mapping.Scatter;
            End(mapping, piece);
        }

        // What a wrong count left over went with the list.
        if (!rest || list == 0)
            return;
        foreach (var mapping in AllLive.Where(mapping => mapping.Scatter == list).ToArray())
            Remove(mapping, MappingEnd.Unmapped, call.File is { Length: > 0 } ? SiteOf(call) : UsingSites.Of(mapping.Made));
    }

    private static ulong BytesOf(ReadOnlySpan<MemoryBlock> memory)
    {
        ulong bytes = 0;
        foreach (var block in memory)
            bytes += (ulong)block.Length;
        return bytes;
    }

    private static DmaEvent PieceOf(in DmaEvent call, in Pieces pieces) => PieceOf(call, pieces, (ulong)pieces.Block.Length);

    private static DmaEvent PieceOf(in DmaEvent call, in Pieces pieces, ulong length) => new()
    {
        Kind = call.Kind,
        Serial = call.Serial,
        Address = pieces.Address,
        Origin = pieces.Block.Address,
        Length = length,
        Direction = call.Direction,
        Attributes = call.Attributes,
        File = call.File,
        Line = call.Line,
    };

    private bool CheckCount(LiveMapping mapping, in DmaEvent piece, int count, string verb)
    {
        if (mapping.Scatter == 0 || mapping.ScatterCount == count)
            return false;
        Report(FindingKind.ScatterCount, mapping.Device, piece.Address, piece.Length,
            $"{count} pieces were {verb} of a scatterlist of {mapping.ScatterCount}", SiteOf(piece), mapping);
        return true;
    }

    /// <summary>The mapping that begins at the call's address: the one that the call names by its number; without one the most similar
    /// where there are several.</summary>
    private static LiveMapping? Match(SpaceWatch space, DmaContext context, in DmaEvent call, MappingApi api)
    {
        LiveMapping? best = null;
        var most = -1;
        foreach (var mapping in space.On(call.Address.Value))
        {
            if (mapping.Address != call.Address || mapping.Device != context.Device)
                continue;
            if (call.Serial != 0 && mapping.Serial != 0)
            {
                if (mapping.Serial == call.Serial && mapping.Api is MappingApi.Block == api is MappingApi.Block)
                    return mapping;
                continue;
            }

            if (mapping.Api is MappingApi.Block != api is MappingApi.Block)
                continue;
            var alike = (mapping.Length == call.Length ? 1 : 0) + (mapping.Api == api ? 1 : 0)
                + (mapping.Direction == call.Direction ? 1 : 0);
            if (alike <= most)
                continue;
            best = mapping;
            most = alike;
        }

        return best;
    }

    private void NotMapped(SpaceWatch space, DmaContext context, in DmaEvent call)
    {
        if (space.IsPartial || call.Length == 0)
            return;
        var device = context.Device;
        var site = SiteOf(call);
        var now = space.Find(call.Address.Value);
        if (call.Serial != 0 && space.TryFindPast(device.Name, call.Address.Value, call.Serial, out var own))
        {
            ReportStory(FindingKind.DoubleUnmap, device, call.Address, call.Length,
                $"0x{call.Length:x} bytes at {call.Address} were unmapped again{Since(now)}", site, own);
            return;
        }

        if (FindElsewhere(space, device, call.Address.Value) is { } other)
        {
            if (other.Device == device)
                Report(FindingKind.UnmapOfUnmapped, device, call.Address, call.Length,
                    $"{call.Address} was unmapped, which is inside of a mapping and not where it begins", site, other);
            else
                Report(FindingKind.WrongDevice, device, call.Address, call.Length,
                    $"{call.Address} was unmapped, which {other.Device.Name} has mapped", site, other);
            return;
        }

        if (space.TryFindPast(call.Address.Value, call.Address.Value, out var past) && past.Address == call.Address
            && past.Device == device.Name)
            ReportStory(FindingKind.DoubleUnmap, device, call.Address, call.Length,
                $"0x{call.Length:x} bytes at {call.Address} were unmapped again", site, past);
        else if (WatchOf(device).Former is { } former && former.TryFindPast(call.Address.Value, call.Address.Value, out past)
            && past is { End: MappingEnd.Leaked } && past.Address == call.Address && past.Device == device.Name)
            ReportStory(FindingKind.UnmapOfUnmapped, device, call.Address, call.Length,
                $"0x{call.Length:x} bytes at {call.Address} were unmapped, which its driver had left behind when it let go of the device",
                site, past);
        else
            Report(FindingKind.UnmapOfUnmapped, device, call.Address, call.Length,
                $"0x{call.Length:x} bytes at {call.Address} were unmapped, and nothing was mapped there", site, null);
    }

    /// <summary>The live mapping that holds a device address: of the device's own space, else of another device's.</summary>
    private LiveMapping? FindElsewhere(SpaceWatch space, Device device, ulong address)
    {
        if (space.Find(address) is { } own)
            return own;
        foreach (var other in _spaces.Values)
        {
            if (other != space && other.Find(address) is { } mapping && mapping.Device != device && mapping.Address.Value == address)
                return mapping;
        }

        return null;
    }

    private void CheckKind(LiveMapping mapping, in DmaEvent call, MappingApi api, string verb)
    {
        if (mapping.Api != api)
            Report(FindingKind.WrongApi, mapping.Device, call.Address, mapping.Length,
                $"a {MappingRecord.Describe(mapping.Api)} was {verb} as a {MappingRecord.Describe(api)}", SiteOf(call), mapping);
        else if (api is not (MappingApi.Coherent or MappingApi.Pages) && mapping.Direction != call.Direction)
            Report(FindingKind.WrongDirection, mapping.Device, call.Address, mapping.Length,
                $"a mapping {MappingRecord.Describe(mapping.Direction)} was {verb} as one {MappingRecord.Describe(call.Direction)}",
                SiteOf(call), mapping);
    }
}
