using Aperture.Core;
using Aperture.Datasheets.Sd;

namespace Aperture.Hardware.Masters;

/// <summary>A high-capacity SD memory card: the commands that bring it up, and reading and writing of blocks
/// (docs/units/sdhci.md).</summary>
public sealed class SdCard
{
    private const uint RelativeAddress = 1;

    private readonly byte[] _image;
    private SdCardState _state = SdCardState.Idle;
    private bool _isApplication; // the next command is one of the application
    private long _block;         // where the transfer stands
    private bool _isOpen;        // a transfer of several blocks goes on until it is stopped

    /// <summary>A card.</summary>
    /// <param name="image">Its blocks, which it reads and writes: a multiple of 512 KiB.</param>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: another length.</exception>
    public SdCard(byte[] image)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.Length == 0 || image.Length % (512 << 10) != 0)
            throw new ApertureException(Status.InvalidArgument, $"a card image of 0x{image.Length:x} bytes is no multiple of 512 KiB");
        _image = image;
    }

    /// <summary>Number of blocks.</summary>
    public long Blocks => _image.Length / SdCardFacts.BlockBytes;

    /// <summary>What the card is doing.</summary>
    public SdCardState State => _state;

    /// <summary>Takes the power away and gives it back.</summary>
    public void PowerCycle()
    {
        _state = SdCardState.Idle;
        _isApplication = _isOpen = false;
    }

    /// <summary>A command.</summary>
    /// <param name="command">Which.</param>
    /// <param name="argument">Its argument.</param>
    /// <param name="response">Four words: what a host controller shows of the answer.</param>
    /// <returns>False when the card does not answer.</returns>
    public bool TryCommand(SdCommand command, uint argument, Span<uint> response)
    {
        var isApplication = _isApplication;
        _isApplication = false;
        var status = (uint)_state << SdCardFacts.StatusStateShift;
        response.Clear();
        response[0] = status;
        switch (command)
        {
            case SdCommand.GoIdle:
                PowerCycle();
                return true;
            case SdCommand.SendInterfaceCondition when _state == SdCardState.Idle:
                response[0] = argument & 0xFFF;
                return true;
            case SdCommand.Application when _state == SdCardState.Idle || argument >> 16 == RelativeAddress:
                _isApplication = true;
                response[0] |= SdCardFacts.StatusApplication;
                return true;
            case SdCommand.SendOperatingConditions when isApplication && _state is SdCardState.Idle or SdCardState.Ready:
                if ((argument & SdCardFacts.OcrHighCapacity) != 0 && (argument & SdCardFacts.OcrVoltages) != 0)
                    _state = SdCardState.Ready;
                response[0] = SdCardFacts.OcrVoltages
                    | (_state == SdCardState.Ready ? SdCardFacts.OcrReady | SdCardFacts.OcrHighCapacity : 0);
                return true;
            case SdCommand.AllSendIdentification when _state == SdCardState.Ready:
                _state = SdCardState.Identification;
                response[0] = 0x4150_5452; // a serial number of ours
                return true;
            case SdCommand.SendRelativeAddress when _state == SdCardState.Identification:
                _state = SdCardState.Standby;
                response[0] = (RelativeAddress << 16) | (status & 0x1FFF);
                return true;
            case SdCommand.SendCardData when _state == SdCardState.Standby && argument >> 16 == RelativeAddress:
                response[0] = 0;
                response[1] = SdCardFacts.CapacityWord(Blocks);
                response[3] = SdCardFacts.StructureWord;
                return true;
            case SdCommand.Select when _state is SdCardState.Standby or SdCardState.Transfer:
                _state = argument >> 16 == RelativeAddress ? SdCardState.Transfer : SdCardState.Standby;
                return _state == SdCardState.Transfer; // who is not meant does not answer
            case SdCommand.SendStatus when argument >> 16 == RelativeAddress:
                return true;
            case SdCommand.SetBlockLength when _state == SdCardState.Transfer:
                return true; // of no account for cards of this kind
            case SdCommand.StopTransmission when _state is SdCardState.SendingData or SdCardState.ReceivingData:
                EndTransfer();
                return true;
            case SdCommand.ReadSingle or SdCommand.ReadMultiple or SdCommand.WriteSingle
                or SdCommand.WriteMultiple when _state == SdCardState.Transfer:
                response[0] |= StartTransfer(command, argument);
                return true;
            default:
                return false;
        }
    }

    /// <summary>The next bytes of the blocks that are read.</summary>
    /// <param name="into">Whole blocks.</param>
    /// <returns>False when the card sends none, or has no more.</returns>
    public bool TryRead(Span<byte> into)
    {
        if (_state != SdCardState.SendingData || !Next(into.Length, out var image))
            return false;
        image.CopyTo(into);
        return true;
    }

    /// <summary>The next bytes of the blocks that are written.</summary>
    /// <param name="from">Whole blocks.</param>
    /// <returns>False when the card takes none, or has no more room.</returns>
    public bool TryWrite(ReadOnlySpan<byte> from)
    {
        if (_state != SdCardState.ReceivingData || !Next(from.Length, out var image))
            return false;
        from.CopyTo(image);
        return true;
    }

    /// <summary>The data lines are quiet: a transfer of one block is over.</summary>
    public void EndOfData()
    {
        if (!_isOpen)
            EndTransfer();
    }

    private uint StartTransfer(SdCommand command, uint block)
    {
        if (block >= Blocks)
            return SdCardFacts.StatusOutOfRange;
        _block = block;
        _isOpen = command is SdCommand.ReadMultiple or SdCommand.WriteMultiple;
        _state = command is SdCommand.ReadSingle or SdCommand.ReadMultiple ? SdCardState.SendingData : SdCardState.ReceivingData;
        return 0;
    }

    private void EndTransfer()
    {
        _isOpen = false;
        if (_state is SdCardState.SendingData or SdCardState.ReceivingData)
            _state = SdCardState.Transfer;
    }

    private bool Next(int length, out Span<byte> bytes)
    {
        bytes = default;
        var count = length / SdCardFacts.BlockBytes;
        if (length % SdCardFacts.BlockBytes != 0 || count > Blocks - _block || (count > 1 && !_isOpen))
            return false;
        bytes = _image.AsSpan((int)(_block * SdCardFacts.BlockBytes), length);
        _block += count;
        return true;
    }
}
