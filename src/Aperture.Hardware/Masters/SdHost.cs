using Aperture.Core;
using Aperture.Datasheets.Sd;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Masters;

/// <summary>A standard SD host controller with ADMA2 and 32-bit addresses (docs/units/sdhci.md).</summary>
/// <remarks>A command with its data runs to its end within the write that issues it. With a <see cref="MasterDevice.Pace"/> only the first
/// slice of the data does; PRESENT STATE says meanwhile that the data lines are in use, and a command with data is not taken. Nothing is
/// allocated by it.</remarks>
public sealed partial class SdHost : MasterDevice
{
    private const int ChunkBlocks = 64;

    private readonly DmaPort _port;
    private readonly byte[] _chunk = new byte[ChunkBlocks * SdCardFacts.BlockBytes]; // blocks between the card and memory
    private SdAdmaCursor _table;  // where the transfer that is under way stands in memory
    private int _blocksLeft;      // blocks that it has not moved yet
    private bool _isTransferring; // a command with data is under way
    private bool _isReading;      // from the card to memory
    private bool _stops;          // the card is told to stop afterwards
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

    private bool HasClock =>
        (_clock & (SdhciRegisters.CardClock | SdhciRegisters.InternalClock)) == (SdhciRegisters.CardClock | SdhciRegisters.InternalClock);

    private bool HasPower => (_hostControl & SdhciRegisters.BusPower) != 0;

    private void Execute(SdhciCommand command)
    {
        if (command.HasData && _isTransferring)
            return; // the data lines are in use; software looks before it issues such a command
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
            Begin(card);
        else if (command.ResponseType == SdhciCommand.BusyResponse)
            Raise(SdhciInterrupts.TransferComplete);
    }

    /// <inheritdoc/>
    protected override void GoOn() => Transfer();

    private void Begin(SdCard card)
    {
        _isTransferring = true;
        _isReading = (_mode & SdhciTransferMode.Read) != 0;
        _stops = (_mode & SdhciTransferMode.AutoStop) != 0;
        _blocksLeft = (_mode & SdhciTransferMode.MultiBlock) != 0 ? (int)(_block >> 16) : 1;
        _table = new SdAdmaCursor(_admaAddress);
        if ((_mode & SdhciTransferMode.Dma) == 0 || (_hostControl & SdhciRegisters.DmaSelectMask) != SdhciRegisters.DmaSelectAdma2
            || (_block & 0xFFF) != SdCardFacts.BlockBytes)
            End(card, SdhciInterrupts.DataTimeout); // the buffer port is not there: nobody takes the bytes
        else
            Transfer();
    }

    private void Transfer()
    {
        var card = Card!; // a transfer begins with one, and a slot does not change
        var epoch = _epoch;
        BeginSlice();
        var outcome = Move(card, epoch);
        if (epoch == _epoch && !IsPaused)
            End(card, outcome);
    }

    private void End(SdCard card, SdhciInterrupts outcome)
    {
        _isTransferring = false;
        if (_stops)
        {
            Span<uint> response = stackalloc uint[4];
            card.TryCommand(SdCommand.StopTransmission, 0, response);
            _response[3] = response[0];
        }

        card.EndOfData();
        Raise(outcome == SdhciInterrupts.None ? SdhciInterrupts.TransferComplete : SdhciInterrupts.Error | outcome);
    }

    private SdhciInterrupts Move(SdCard card, uint epoch)
    {
        while (_blocksLeft > 0)
        {
            var blocks = Math.Min(_blocksLeft, ChunkBlocks);
            blocks = Math.Clamp(SliceLeft / SdCardFacts.BlockBytes, 1, blocks);
            var chunk = _chunk.AsSpan(0, blocks * SdCardFacts.BlockBytes);
            if (_isReading && !card.TryRead(chunk))
                return SdhciInterrupts.DataTimeout;
            for (var done = 0; done < chunk.Length;)
            {
                if (_table.Left == 0 && !Fetch(ref _table, epoch))
                    return SdhciInterrupts.AdmaError;
                var part = chunk.Slice(done, Math.Min(chunk.Length - done, _table.Left));
                var status = _isReading ? _port.Write(_table.Address, part, out var count) : _port.Read(_table.Address, part, out count);
                if (epoch != _epoch)
                    return SdhciInterrupts.None;
                if (status != DmaStatus.Ok)
                    return AdmaFailed(SdhciAdmaError.Transferring, _table.Table);
                _table.Advance(count);
                done += count;
            }

            if (!_isReading && !card.TryWrite(chunk))
                return SdhciInterrupts.DataTimeout;
            _blocksLeft -= blocks;
            if (_blocksLeft > 0 && EndsSlice(chunk.Length))
                return SdhciInterrupts.None;
        }

        _admaAddress = _table.Table;
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
