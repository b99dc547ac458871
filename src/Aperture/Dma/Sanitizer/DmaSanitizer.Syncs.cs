using Aperture.Core;

namespace Aperture.Dma.Sanitizer;

// Bytes that change hands while they are mapped.
public sealed partial class DmaSanitizer
{
    private void Sync(DmaContext context, in DmaEvent call, SyncStep step)
    {
        if (call.Length == 0)
            return;
        var device = context.Device;
        if (call.Address.Value == ulong.MaxValue)
        {
            var failed = FailedOf(device, call.Serial);
            ReportStory(FindingKind.FailedMappingUsed, device, call.Address, call.Length,
                $"a mapping was synced that failed{(failed is { } map ? $" at {map.Made}" : "")}", SiteOf(call), failed);
            return;
        }

        var space = SpaceOf(device);
        var last = LastOf(call.Address, call.Length);
        if (Containing(space, context, call, last) is { } mapping)
        {
            Sync(mapping, call, step);
            return;
        }

        if (SyncPieces(space, call, last, step) || space.IsPartial)
            return;
        var near = FindElsewhere(space, device, call.Address.Value) ?? space.Find(last);
        if (call.Serial != 0 && space.TryFindPast(device.Name, call.Address.Value, call.Serial, out var past))
            ReportStory(FindingKind.SyncOutsideMapping, device, call.Address, call.Length,
                $"0x{call.Length:x} bytes at {call.Address} were synced after their mapping had ended{Since(near)}", SiteOf(call), past);
        else if (near is not null && near.Device != device)
            Report(FindingKind.WrongDevice, device, call.Address, call.Length,
                $"0x{call.Length:x} bytes at {call.Address} were synced, which {near.Device.Name} has mapped", SiteOf(call), near);
        else if (near is not null)
            Report(FindingKind.SyncOutsideMapping, device, call.Address, call.Length,
                $"0x{call.Length:x} bytes at {call.Address} were synced, of which not all are inside the mapping of 0x{near.Length:x} " +
                $"bytes at {near.Address}", SiteOf(call), near);
        else if (space.TryFindPast(call.Address.Value, last, out past))
            ReportStory(FindingKind.SyncOutsideMapping, device, call.Address, call.Length,
                $"0x{call.Length:x} bytes at {call.Address} were synced after their mapping had ended", SiteOf(call), past);
        else
            Report(FindingKind.SyncOutsideMapping, device, call.Address, call.Length,
                $"0x{call.Length:x} bytes at {call.Address} were synced, and nothing is mapped there", SiteOf(call), null);
    }

    /// <summary>A part of a sync that is judged as a whole at another time: only what it does to the bytes counts.</summary>
    private void SyncHalf(DmaContext context, in DmaEvent call, SyncStep step)
    {
        var space = SpaceOf(context.Device);
        if (call.Memory.IsEmpty)
        {
            SyncHalf(space, context, call, step);
            return;
        }

        var pieces = new Pieces(call.Memory, call.Segments);
        while (pieces.MoveNext())
            SyncHalf(space, context, PieceOf(call, pieces), step);
    }

    private void SyncHalf(SpaceWatch space, DmaContext context, in DmaEvent call, SyncStep step)
    {
        if (call.Length == 0 || call.Address.Value == ulong.MaxValue)
            return;
        var last = LastOf(call.Address, call.Length);
        if (Containing(space, context, call, last) is { } mapping)
            Move(mapping, call, step);
        else
            SyncPieces(space, call, last, step);
    }

    /// <summary>Syncs a range of several pieces of one allocation or scatterlist. False, and nothing done, when it is none.</summary>
    private bool SyncPieces(SpaceWatch space, in DmaEvent call, ulong last, SyncStep step)
    {
        var first = space.Find(call.Address.Value);
        for (var piece = first; ; piece = space.Find(piece.Last + 1))
        {
            if (piece is not { Scatter: not 0 } || piece.Scatter != first!.Scatter)
                return false;
            if (piece.Last >= last)
                break;
        }

        for (var at = call.Address.Value; ;)
        {
            var piece = space.Find(at)!;
            var end = Math.Min(piece.Last, last);
            var part = new DmaEvent
            {
                Kind = call.Kind,
                Address = new Iova(at),
                Length = end - at + 1,
                Direction = call.Direction,
                File = call.File,
                Line = call.Line
            };
            if (step is SyncStep.ForCpu or SyncStep.ForDevice)
                Sync(piece, part, step);
            else
                Move(piece, part, step);
            if (end == last)
                return true;
            at = end + 1;
        }
    }

    private void SyncScatter(DmaContext context, in DmaEvent call, SyncStep step)
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
            Sync(context, piece, step);
        }
    }

    private void Sync(LiveMapping mapping, in DmaEvent call, SyncStep step)
    {
        if (!mapping.IsStreaming)
        {
            Report(FindingKind.WrongApi, mapping.Device, call.Address, call.Length,
                $"a {MappingRecord.Describe(mapping.Api)} was synced: it has nothing to sync", SiteOf(call), mapping);
            return;
        }

        // A mapping both ways may be synced one way (recorded behaviour of Linux's checker).
        if (mapping.Direction != DmaDirection.Bidirectional && mapping.Direction != call.Direction)
            Report(FindingKind.WrongDirection, mapping.Device, call.Address, call.Length,
                $"a mapping {MappingRecord.Describe(mapping.Direction)} was synced as one {MappingRecord.Describe(call.Direction)}",
                SiteOf(call), mapping);
        Move(mapping, call, step);
    }

    private void Move(LiveMapping mapping, in DmaEvent call, SyncStep step)
    {
        if (!mapping.IsStreaming)
            return;
        var from = call.Address - mapping.Address;
        var to = from + call.Length;
        switch (step)
        {
            case SyncStep.BeginsForCpu:
                BeforeCpu(mapping, from, to, "before it was synced for the CPU", SiteOf(call));
                break;
            case SyncStep.ForCpu:
            case SyncStep.CpuOwns:
                GiveToCpu(mapping, from, to, step, SiteOf(call));
                break;
            case SyncStep.ForDevice:
                GiveToDevice(mapping, from, to, call);
                break;
            default:
                Renew(mapping, from, to);
                break;
        }
    }

    /// <summary>The device's mapping that holds a range: the one that the call names by its number, or else one with the same direction
    /// where there are several.</summary>
    private static LiveMapping? Containing(SpaceWatch space, DmaContext context, in DmaEvent call, ulong last)
    {
        LiveMapping? best = null;
        foreach (var mapping in space.On(call.Address.Value))
        {
            if (mapping.Device != context.Device || !mapping.Contains(call.Address.Value, last))
                continue;
            if (call.Serial != 0 && mapping.Serial != 0)
            {
                if (mapping.Serial == call.Serial)
                    return mapping;
                continue;
            }

            if (best is null || (mapping.Direction == call.Direction && !mapping.IsArena) || best.IsArena)
                best = mapping;
        }

        return best;
    }

    /// <summary>Who has an address since, in words.</summary>
    private static string Since(LiveMapping? mapping) =>
        mapping is null ? "" : $"; the address is that of another mapping since, made at {mapping.Made}";
}
