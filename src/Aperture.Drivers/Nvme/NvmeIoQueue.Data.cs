using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Datasheets.Nvme;
using Aperture.Dma;

namespace Aperture.Drivers.Nvme;

// The data of a command.
internal sealed partial class NvmeIoQueue
{
    /// <summary>Gives a command's data to the device, and writes the command.</summary>
    private bool TryPrepare(NvmeSlot slot, out Exception? error)
    {
        error = null;
        var operation = slot.Operation!;
        slot.Command = new NvmeCommand { Opcode = (byte)operation.Opcode, Namespace = operation.Namespace!.Id };
        var block = operation.Block + slot.Offset;
        switch (operation.Opcode)
        {
            case NvmeOpcode.Flush:
                break;
            case NvmeOpcode.WriteZeroes:
                slot.Command.FirstBlock = block;
                slot.Command.Blocks = (int)slot.Blocks;
                break;
            case NvmeOpcode.DatasetManagement:
                Range(slot, block);
                break;
            default:
                slot.Command.FirstBlock = block;
                slot.Command.Blocks = (int)slot.Blocks;
                if (!TryGive(slot, operation, out var address, out error))
                    return false;
                Point(slot, address, Bytes(slot));
                break;
        }

        slot.IsPrepared = true;
        return true;
    }

    private static int Bytes(NvmeSlot slot) => (int)slot.Blocks << slot.Operation!.Namespace!.BlockShift;

    private static int ByteOffset(NvmeSlot slot) => (int)(slot.Offset << slot.Operation!.Namespace!.BlockShift);

    private bool TryGive(NvmeSlot slot, NvmeOperation operation, out ulong address, out Exception? error)
    {
        error = null;
        var bytes = Bytes(slot);
        if (!operation.IsBounced)
        {
            var memory = operation.Memory.Slice(ByteOffset(slot), bytes);
            var direction = operation.IsRead ? DmaDirection.FromDevice : DmaDirection.ToDevice;
            var dma = Client.Device.Dma;
            var status = dma.TryMap(memory, direction, out slot.Mapping);
            slot.IsMapped = status == Status.Ok;
            address = slot.IsMapped ? slot.Mapping.Address.Value : 0;
            if (!slot.IsMapped)
                error = new ApertureException(status, dma.Explain(status, memory, direction));
            return slot.IsMapped;
        }

        address = 0;
        try
        {
            slot.Bounce ??= new NvmeBounce(Client.Device.Dma, Client.Options.BounceBytes);
        }
        catch (ApertureException e)
        {
            error = e;
            return false;
        }

        if (!operation.IsRead)
            Caller(slot).CopyTo(slot.Bounce.Bytes(bytes));
        slot.Bounce.Give(bytes);
        address = slot.Bounce.Address;
        return true;
    }

    /// <summary>The caller's bytes for the CPU.</summary>
    private static Span<byte> Caller(NvmeSlot slot)
    {
        var operation = slot.Operation!;
        return operation.Memory.Length > 0 ? operation.Memory.Slice(ByteOffset(slot), Bytes(slot)).Span
            : operation.Managed.Span.Slice(ByteOffset(slot), Bytes(slot));
    }

    private void Point(NvmeSlot slot, ulong address, int bytes)
    {
        if (Client.UsesSgl)
        {
            var descriptor = NvmeSglDescriptor.Of(NvmeSglDescriptor.DataBlock, address, (uint)bytes);
            slot.Command.Transfer = 1;
            slot.Command.Prp1 = descriptor.Low;
            slot.Command.Prp2 = descriptor.High;
            return;
        }

        (slot.Command.Prp1, slot.Command.Prp2) = NvmePrp.Build(address, bytes, slot.List.Span, slot.ListAddress);
    }

    /// <summary>One range to deallocate. Source: NVM Express 1.4, 6.7.</summary>
    private static void Range(NvmeSlot slot, ulong block)
    {
        var range = slot.List.Span[..16];
        range.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(range[4..], slot.Blocks);
        BinaryPrimitives.WriteUInt64LittleEndian(range[8..], block);
        slot.Command.Prp1 = slot.ListAddress;
        slot.Command.Word10 = 0;     // one range
        slot.Command.Word11 = 1 << 2; // deallocate
    }

    /// <summary>Takes a command's data back.</summary>
    /// <returns>Why they could not be.</returns>
    private Exception? Release(NvmeSlot slot, bool isOk)
    {
        Exception? error = null;
        var operation = slot.Operation!;
        if (slot.IsMapped)
        {
            slot.IsMapped = false;
            try
            {
                slot.Mapping.Dispose();
            }
            catch (ApertureException e)
            {
                error = e;
            }
        }
        else if (operation.IsBounced)
        {
            if (slot.IsPrepared && slot.Bounce is { } used)
            {
                used.Take(Bytes(slot));
                if (isOk && operation.IsRead)
                    used.Bytes(Bytes(slot)).CopyTo(Caller(slot));
            }

            lock (Gate)
            {
                if (slot.Bounce is { } bounce)
                    (bounce.Next, _bounces) = (_bounces, bounce);
                else
                    _bounceCount--;
                slot.Bounce = null;
            }
        }

        slot.IsPrepared = false;
        return error;
    }
}
