using System.Buffers;
using System.Buffers.Binary;
using Aperture.Datasheets.Nvme;

namespace Aperture.Hardware.Nvme;

/// <content>The NVM command set.</content>
public sealed partial class NvmeController
{
    private const uint AllNamespaces = 0xFFFF_FFFF;
    private const int RangeBytes = 16; // of a range of Dataset Management

    private NvmeStatus DoBlocks(in NvmeCommand command)
    {
        if (command.Fused != 0)
            return NvmeStatus.InvalidField;
        if ((NvmeOpcode)command.Opcode == NvmeOpcode.Flush && command.Namespace == AllNamespaces)
            return NvmeStatus.Success;
        if (command.Namespace == 0 || command.Namespace > (uint)_namespaces.Length)
            return NvmeStatus.InvalidNamespace;
        var target = _namespaces[command.Namespace - 1];
        return (NvmeOpcode)command.Opcode switch
        {
            NvmeOpcode.Flush => NvmeStatus.Success,
            NvmeOpcode.Write or NvmeOpcode.Read or NvmeOpcode.Compare or NvmeOpcode.WriteZeroes => Access(target, command),
            NvmeOpcode.DatasetManagement => Manage(target, command),
            _ => NvmeStatus.InvalidOpcode,
        };
    }

    private NvmeStatus Access(NvmeNamespace target, in NvmeCommand command)
    {
        var opcode = (NvmeOpcode)command.Opcode;
        var bytes = (long)command.Blocks << target.BlockShift;
        if (opcode != NvmeOpcode.WriteZeroes && Options.TransferPagesLog2 != 0 && bytes > 4096L << Options.TransferPagesLog2)
            return NvmeStatus.InvalidField;
        if (!target.TryGet(command.FirstBlock, (ulong)command.Blocks, out var blocks))
            return NvmeStatus.BlockOutOfRange;
        switch (opcode)
        {
            case NvmeOpcode.Read:
                return Send(command, blocks);
            case NvmeOpcode.WriteZeroes:
                blocks.Clear();
                return NvmeStatus.Success;
        }

        // What memory holds comes first, so that a transfer that fails leaves every block as it was.
        var buffer = ArrayPool<byte>.Shared.Rent(blocks.Length);
        try
        {
            var data = buffer.AsSpan(0, blocks.Length);
            var status = Receive(command, data);
            if (status != NvmeStatus.Success)
                return status;
            if (opcode == NvmeOpcode.Compare)
                return data.SequenceEqual(blocks) ? NvmeStatus.Success : NvmeStatus.CompareFailure;
            data.CopyTo(blocks);
            return NvmeStatus.Success;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Blocks that are not needed any more read as zeros; other advice is taken and does nothing.</summary>
    private NvmeStatus Manage(NvmeNamespace target, in NvmeCommand command)
    {
        const uint Deallocate = 1 << 2;
        Span<byte> ranges = stackalloc byte[((int)(command.Word10 & 0xFF) + 1) * RangeBytes];
        var status = Receive(command, ranges);
        if (status != NvmeStatus.Success || (command.Word11 & Deallocate) == 0)
            return status;
        for (var pass = 0; pass < 2; pass++) // all are looked at before one is changed
        {
            for (var at = 0; at < ranges.Length; at += RangeBytes)
            {
                var count = BinaryPrimitives.ReadUInt32LittleEndian(ranges[(at + 4)..]);
                if (!target.TryGet(BinaryPrimitives.ReadUInt64LittleEndian(ranges[(at + 8)..]), count, out var blocks))
                    return NvmeStatus.BlockOutOfRange;
                if (pass == 1)
                    blocks.Clear();
            }
        }

        return NvmeStatus.Success;
    }
}
