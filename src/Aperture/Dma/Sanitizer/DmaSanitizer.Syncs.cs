using Aperture.Core;

namespace Aperture.Dma.Sanitizer;

// Bytes that change hands while they are mapped.
public sealed partial class DmaSanitizer
{
    private void Sync(DmaContext context, in DmaEvent call, bool forCpu)
    {
        if (call.Length == 0)
            return;
        if (call.Address.Value == ulong.MaxValue)
        {
            Report(FindingKind.FailedMappingUsed, context.Device, call.Address, call.Length,
                $"a mapping was synced that failed{(_failed.TryGetValue(context.Device, out var failed) ? $" at {failed}" : "")}",
                SiteOf(call), null);
            return;
        }

        var space = SpaceOf(context.Device);
        var last = LastOf(call.Address, call.Length);
        if (Containing(space, context, call.Address.Value, last, call.Direction) is { } mapping)
        {
            Sync(mapping, call, forCpu);
            return;
        }

        if (SyncPages(space, call, last, forCpu) || space.IsPartial)
            return;
        var device = context.Device;
        var near = FindElsewhere(space, device, call.Address.Value) ?? space.Find(last);
        if (near is not null && near.Device != device)
            Report(FindingKind.WrongDevice, device, call.Address, call.Length,
                $"0x{call.Length:x} bytes at {call.Address} were synced, which {near.Device.Name} has mapped", SiteOf(call), near);
        else if (near is not null)
            Report(FindingKind.SyncOutsideMapping, device, call.Address, call.Length,
                $"0x{call.Length:x} bytes at {call.Address} were synced, of which not all are inside the mapping of 0x{near.Length:x} " +
                $"bytes at {near.Address}", SiteOf(call), near);
        else if (space.TryFindPast(call.Address.Value, last, out var past))
            ReportStory(FindingKind.SyncOutsideMapping, device, call.Address, call.Length,
                $"0x{call.Length:x} bytes at {call.Address} were synced after their mapping had ended", SiteOf(call), past);
        else
            Report(FindingKind.SyncOutsideMapping, device, call.Address, call.Length,
                $"0x{call.Length:x} bytes at {call.Address} were synced, and nothing is mapped there", SiteOf(call), null);
    }

    /// <summary>Syncs a range of several pieces of one allocation. False, and nothing done, when it is none.</summary>
    private bool SyncPages(SpaceWatch space, in DmaEvent call, ulong last, bool forCpu)
    {
        var first = space.Find(call.Address.Value);
        for (var piece = first; ; piece = space.Find(piece.Last + 1))
        {
            if (piece is not { Record.Api: MappingApi.Pages } || piece.Scatter != first!.Scatter)
                return false;
            if (piece.Last >= last)
                break;
        }

        for (var at = call.Address.Value; ;)
        {
            var piece = space.Find(at)!;
            var end = Math.Min(piece.Last, last);
            Sync(piece, new DmaEvent
            {
                Kind = call.Kind,
                Address = new Iova(at),
                Length = end - at + 1,
                Direction = call.Direction,
                File = call.File,
                Line = call.Line
            }, forCpu);
            if (end == last)
                return true;
            at = end + 1;
        }
    }

    private void SyncScatter(DmaContext context, in DmaEvent call, bool forCpu)
    {
        var space = SpaceOf(context.Device);
        var pieces = new Pieces(call.Memory, call.Segments);
        var count = CountOf(call.Memory);
        var isFirst = true;
        while (pieces.MoveNext())
        {
            var piece = PieceOf(call, pieces);
            if (isFirst && space.Find(piece.Address.Value) is { Scatter: not 0 } mapping)
                CheckCount(mapping, piece, count, "synced");
            isFirst = false;
            Sync(context, piece, forCpu);
        }
    }

    private void Sync(LiveMapping mapping, in DmaEvent call, bool forCpu)
    {
        if (!mapping.IsStreaming)
        {
            Report(FindingKind.WrongApi, mapping.Device, call.Address, call.Length,
                $"a {MappingRecord.Describe(mapping.Record.Api)} was synced: it has nothing to sync", SiteOf(call), mapping);
            return;
        }

        // A mapping both ways may be synced one way (recorded behaviour of Linux's checker).
        if (mapping.Record.Direction != DmaDirection.Bidirectional && mapping.Record.Direction != call.Direction)
            Report(FindingKind.WrongDirection, mapping.Device, call.Address, call.Length,
                $"a mapping {MappingRecord.Describe(mapping.Record.Direction)} was synced as one {MappingRecord.Describe(call.Direction)}",
                SiteOf(call), mapping);
        var from = call.Address - mapping.Address;
        if (forCpu)
            GiveToCpu(mapping, from, from + call.Length, call);
        else
            GiveToDevice(mapping, from, from + call.Length, call);
    }

    /// <summary>The device's mapping that holds a range: with the same direction where there are several.</summary>
    private static LiveMapping? Containing(SpaceWatch space, DmaContext context, ulong first, ulong last, DmaDirection direction)
    {
        LiveMapping? best = null;
        foreach (var mapping in space.Pages.On(first))
        {
            if (mapping.Device == context.Device && mapping.Contains(first, last)
                && (best is null || mapping.Record.Direction == direction))
                best = mapping;
        }

        return best;
    }
}
