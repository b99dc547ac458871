using Aperture.Core;
using Aperture.Datasheets.Sd;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Masters;

/// <summary>A standard SD host controller with ADMA2 and 32-bit addresses (docs/units/sdhci.md).</summary>
/// <remarks>A command with its data runs to its end within the write that issues it. Nothing is allocated by it.</remarks>
public sealed partial class SdHost : MasterDevice
{
    private const int ChunkBlocks = 64;

    private readonly DmaPort _port;
    private readonly byte[] _chunk = new byte[ChunkBlocks * SdCardFacts.BlockBytes]; // blocks between the card and memory
    private uint _epoch; // grows with each reset: whoever comes back from an access sees that one happened

    /// <summary>A controller.</summary>
    /// <param name="port">Its port to memory.</param>
    /// <param name="card">The card in its slot; null for an empty one.</param>
    public SdHost(DmaPort port, SdCard? card)
    {
        ArgumentNullException.ThrowIfNull(port);
        _port = port;
        Card = card;
    }

    /// <inheritdoc/>
    public override uint Size => SdhciRegisters.Size;

    /// <summary>The card in the slot; null for an empty one.</summary>
    public SdCard? Card { get; }

    private bool HasClock => (_clock & (SdhciRegisters.CardClock | SdhciRegisters.InternalClock)) == (SdhciRegisters.CardClock | SdhciRegisters.InternalClock);

    private bool HasPower => (_hostControl & SdhciRegisters.BusPower) != 0;

    private void Execute(SdhciCommand command)
    {
        var epoch = _epoch;
        Span<uint> response = stackalloc uint[4];
        if (Card is not { } card || !HasPower || !HasClock || !card.TryCommand(command.Index, _argument, response))
        {
            if (command.ResponseType != SdhciCommand.NoResponse)
                Raise(SdhciInterrupts.Error | SdhciInterrupts.CommandTimeout);
            else
                Raise(SdhciInterrupts.CommandComplete);
            return;
        }

        response.CopyTo(_response);
        Raise(SdhciInterrupts.CommandComplete);
        if (epoch != _epoch)
            return;
        if (command.HasData)
            Transfer(card, epoch);
        else if (command.ResponseType == SdhciCommand.BusyResponse)
            Raise(SdhciInterrupts.TransferComplete);
    }

    private void Transfer(SdCard card, uint epoch)
    {
        var mode = _mode;
        var blocks = (mode & SdhciTransferMode.MultiBlock) != 0 ? (int)(_block >> 16) : 1;
        var outcome = (mode & SdhciTransferMode.Dma) == 0 || (_hostControl & SdhciRegisters.DmaSelectMask) != SdhciRegisters.DmaSelectAdma2 || (_block & 0xFFF) != SdCardFacts.BlockBytes
            ? SdhciInterrupts.DataTimeout // the buffer port is not there: nobody takes the bytes
            : Move(card, (mode & SdhciTransferMode.Read) != 0, blocks, epoch);
        if (epoch != _epoch)
            return;
        if ((mode & SdhciTransferMode.AutoStop) != 0)
        {
            Span<uint> response = stackalloc uint[4];
            card.TryCommand(SdCommand.StopTransmission, 0, response);
            _response[3] = response[0];
        }

        card.EndOfData();
        Raise(outcome == SdhciInterrupts.None ? SdhciInterrupts.TransferComplete : SdhciInterrupts.Error | outcome);
    }

    private SdhciInterrupts Move(SdCard card, bool isRead, int blocks, uint epoch)
    {
        var table = new SdAdmaCursor(_admaAddress);
        while (blocks > 0)
        {
            var chunk = _chunk.AsSpan(0, Math.Min(blocks, ChunkBlocks) * SdCardFacts.BlockBytes);
            if (isRead && !card.TryRead(chunk))
                return SdhciInterrupts.DataTimeout;
            for (var done = 0; done < chunk.Length;)
            {
                if (table.Left == 0 && !Fetch(ref table, epoch))
                    return SdhciInterrupts.AdmaError;
                var part = chunk.Slice(done, Math.Min(chunk.Length - done, table.Left));
                var status = isRead ? _port.Write(table.Address, part, out var count) : _port.Read(table.Address, part, out count);
                if (epoch != _epoch)
                    return SdhciInterrupts.None;
                if (status != DmaStatus.Ok)
                    return AdmaFailed(SdhciAdmaError.Transferring, table.Table);
                table.Advance(count);
                done += count;
            }

            if (!isRead && !card.TryWrite(chunk))
                return SdhciInterrupts.DataTimeout;
            blocks -= chunk.Length / SdCardFacts.BlockBytes;
        }

        _admaAddress = table.Table;
        return SdhciInterrupts.None;
    }

    /// <summary>Goes to the next descriptor that moves data.</summary>
    private bool Fetch(ref SdAdmaCursor table, uint epoch)
    {
        Span<byte> bytes = stackalloc byte[SdhciAdmaDescriptor.Size];
        for (var links = 0; links < MaxLinks; links++)
        {
            if (table.IsAtEnd)
            {
                AdmaFailed(SdhciAdmaError.Transferring | SdhciAdmaError.LengthMismatch, table.Table);
                return false;
            }

            var status = _port.Read(new Iova(table.Table), bytes, out _);
            if (epoch != _epoch)
                return false;
            var descriptor = SdhciAdmaDescriptor.Read(bytes);
            if (status != DmaStatus.Ok || !descriptor.IsValid)
            {
                AdmaFailed(SdhciAdmaError.Fetching, table.Table);
                return false;
            }

            table.Take(descriptor);
            if (descriptor.Interrupts)
                Raise(SdhciInterrupts.Dma);
            if (table.Left > 0)
                return true;
        }

        AdmaFailed(SdhciAdmaError.Fetching, table.Table); // a table that links to itself
        return false;
    }

    private SdhciInterrupts AdmaFailed(uint error, uint table)
    {
        _admaError = error;
        _admaAddress = table;
        return SdhciInterrupts.AdmaError;
    }
}
