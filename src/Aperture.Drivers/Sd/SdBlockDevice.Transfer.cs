using Aperture.Core;
using Aperture.Datasheets.Sd;
using Aperture.Dma;
using Aperture.Dma.Memory;

namespace Aperture.Drivers.Sd;

/// <summary>Blocks between the card and memory.</summary>
public sealed partial class SdBlockDevice
{
    private const int MaxTransferBytes = 512 << 10;
    private const int MaxPieces = 64;
    private const int MaxDescriptors = 256;

    private CoherentBuffer _table; // ADMA2 descriptors; empty until the first request

    private Status Transfer(long block, ReadOnlySpan<MemoryBlock> pieces, bool isRead)
    {
        long bytes = 0;
        foreach (var piece in pieces)
        {
            if (!piece.Address.IsAligned(4))
                return Status.InvalidArgument;
            bytes += piece.Length;
        }

        if (pieces.Length is 0 or > MaxPieces || bytes % BlockBytes != 0 || bytes > MaxTransfer)
            return Status.InvalidArgument;
        if (!IsInside(block, bytes / BlockBytes))
            return Status.OutOfRange;
        Span<DmaSegment> segments = stackalloc DmaSegment[pieces.Length];
        try
        {
            using var mapping = _device.Dma.MapScatter(pieces, segments, isRead ? DmaDirection.FromDevice : DmaDirection.ToDevice);
            return Execute(block, mapping.Segments, isRead);
        }
        catch (ApertureException e) when (e is not Devices.BusErrorException)
        {
            Failure = e.Message;
            return e.Status;
        }
    }

    private Status Execute(long block, ReadOnlySpan<DmaSegment> segments, bool isRead)
    {
        using var power = _device.Power.Hold();
        _isWorking = true;
        try
        {
            Failure = null;
            EnsureReady();
            if (_table.Length == 0)
                _table = _device.Dma.Allocate(MaxDescriptors * SdhciAdmaDescriptor.Size);
            var blocks = Describe(segments);
            if (blocks == 0)
                return Fail($"more than {MaxDescriptors} descriptors, or an address above 4 GiB");
            _registers.Write32(SdhciRegisters.AdmaAddress, (uint)_table.Address.Value);
            _registers.Write32(SdhciRegisters.Block, BlockBytes | ((uint)blocks << 16));
            var mode = SdhciTransferMode.Dma | (isRead ? SdhciTransferMode.Read : SdhciTransferMode.None);
            if (blocks > 1)
                mode |= SdhciTransferMode.MultiBlock | SdhciTransferMode.CountBlocks | SdhciTransferMode.AutoStop;
            var index = isRead
                ? blocks > 1 ? SdCommand.ReadMultiple : SdCommand.ReadSingle
                : blocks > 1 ? SdCommand.WriteMultiple : SdCommand.WriteSingle;
            Issue(SdhciCommand.For(index, SdhciCommand.ShortResponse, hasData: true), (uint)block, mode, SdhciInterrupts.TransferComplete);
            Transfers++;
            return Status.Ok;
        }
        catch (ApertureException e) when (e.Status is Status.IoError or Status.NoDevice && e is not Devices.BusErrorException)
        {
            Recover();
            return Fail(e.Message);
        }
        finally
        {
            _isWorking = false;
        }
    }

    /// <summary>Writes the descriptors. Returns how many blocks they hold; 0 when they do not fit.</summary>
    private int Describe(ReadOnlySpan<DmaSegment> segments)
    {
        var table = _table.Span;
        var count = 0;
        ulong bytes = 0;
        for (var i = 0; i < segments.Length; i++)
        {
            for (ulong done = 0; done < segments[i].Length;)
            {
                var length = (int)Math.Min(segments[i].Length - done, SdhciAdmaDescriptor.MaxLength);
                var address = segments[i].Address + done;
                done += (ulong)length;
                if (count == MaxDescriptors || address.Value + ((ulong)length - 1) > uint.MaxValue)
                    return 0;
                var isEnd = i == segments.Length - 1 && done == segments[i].Length;
                SdhciAdmaDescriptor.ForTransfer((uint)address.Value, length, isEnd).Write(table[(count++ * SdhciAdmaDescriptor.Size)..]);
                bytes += (ulong)length;
            }
        }

        return (int)(bytes / BlockBytes);
    }

    private Status Fail(string why)
    {
        Failure = why;
        return Status.IoError;
    }
}
