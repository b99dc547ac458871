using Aperture.Devices;

namespace Aperture.Dma.Sanitizer;

// Memory that is used in parts: coherent memory in blocks, and shared buffers in turns.
public sealed partial class DmaSanitizer
{
    private void TakeBlock(DmaContext context, in DmaEvent call)
    {
        foreach (var mapping in SpaceOf(context.Device).On(call.Address.Value))
        {
            if (mapping.Api == MappingApi.Coherent && mapping.Contains(call.Address.Value, LastOf(call.Address, call.Length)))
                mapping.Traits |= MappingTraits.Arena;
        }

        Add(context, call, MappingApi.Block, call.Address, call.Origin, call.Length, 0, false);
    }

    /// <summary>Coherent memory goes back as a whole: no block of it is out any more.</summary>
    private void RemoveBlocks(LiveMapping arena, in DmaEvent call)
    {
        foreach (var block in AllLive.Where(mapping => mapping.Api == MappingApi.Block && mapping.Space == arena.Space
            && arena.Contains(mapping.Start, mapping.Last)).ToArray())
            Remove(block, MappingEnd.Unmapped, SiteOf(call));
    }

    private void Share(DmaContext context, in DmaEvent call)
    {
        if (Shared(context, call) is not { } mapping)
            return;
        mapping.Traits |= MappingTraits.Shared;
        (mapping.Sharers ??= []).Add(context.Device);
    }

    private void BeginTurn(DmaContext context, in DmaEvent call)
    {
        if (Shared(context, call) is not { } mapping)
            return;
        mapping.Traits |= MappingTraits.Shared;
        (mapping.Turns ??= []).Add((context.Device, call.Direction != DmaDirection.ToDevice));
    }

    private void EndTurn(DmaContext context, in DmaEvent call)
    {
        if (Shared(context, call) is { Turns: { } turns })
            turns.Remove((context.Device, call.Direction != DmaDirection.ToDevice));
    }

    /// <summary>The mapping of a shared buffer: of any device in the same space.</summary>
    private LiveMapping? Shared(DmaContext context, in DmaEvent call)
    {
        foreach (var mapping in SpaceOf(context.Device).On(call.Address.Value))
        {
            if (mapping.Address == call.Address && mapping.Serial == call.Serial)
                return mapping;
        }

        return null;
    }

    /// <summary>A device that lets go takes part in nothing any more.</summary>
    private void EndSharing(Device device)
    {
        foreach (var mapping in AllLive)
        {
            mapping.Sharers?.RemoveAll(sharer => sharer == device);
            mapping.Turns?.RemoveAll(turn => turn.Device == device);
        }
    }

    /// <summary>A mapping that a device left behind is the next one's where others use it: they go on.</summary>
    private static bool HandOver(LiveMapping mapping)
    {
        if (mapping.Sharers is not [var next, ..])
            return false;
        mapping.Stay = StayOf(next);
        return true;
    }

    private void CheckTurn(LiveMapping mapping, Device device, ulong from, ulong to, bool isWrite)
    {
        if (mapping.Sharers is null)
            return;
        var isReader = false;
        foreach (var turn in mapping.Turns ?? [])
        {
            if (turn.Device != device)
                continue;
            if (turn.Writes || !isWrite)
                return;
            isReader = true;
        }

        var why = isReader ? "in its turn, which is to read" : "while it was not its turn";
        Report(FindingKind.DeviceOutOfTurn, device, mapping.Address + from, to - from,
            $"the device {Verb(isWrite)} bytes 0x{from:x} to 0x{to - 1:x} of a shared buffer {why}{TurnOf(mapping)}", default, mapping);
    }

    private static string TurnOf(LiveMapping mapping) => mapping.Turns is [var turn, ..]
        ? $"; it was that of {turn.Device.Name}, to {(turn.Writes ? "write" : "read")}" : "";
}
