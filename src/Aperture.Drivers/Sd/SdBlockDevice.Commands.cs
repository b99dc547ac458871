using Aperture.Core;
using Aperture.Datasheets.Sd;
using Aperture.Devices;

namespace Aperture.Drivers.Sd;

/// <summary>The registers, the interrupt, and the card's way from power to its transfer state.</summary>
public sealed partial class SdBlockDevice
{
    /// <summary>How often the hardware is looked at before a command is given up.</summary>
    public const int MaxPolls = 1_000_000;

    private const int MaxTries = 1000; // of ACMD41, until the card is ready

    private static readonly TimeSpan s_pollInterval = TimeSpan.FromMicroseconds(10); // where time passes meanwhile

    private SdhciInterrupts _pending; // what the controller has told of the command on it

    internal InterruptResult OnInterrupt()
    {
        if (!_isWorking)
            return InterruptResult.None; // another block shares the line, and we may have no power
        var status = _registers.Read32(SdhciRegisters.InterruptStatus);
        if (status == 0)
            return InterruptResult.None;
        _registers.Write32(SdhciRegisters.InterruptStatus, status);
        _pending |= (SdhciInterrupts)status;
        return InterruptResult.Handled;
    }

    /// <summary>Brings controller and card up for the first time.</summary>
    internal void Start()
    {
        _isWorking = true;
        try
        {
            if ((_registers.Read32(SdhciRegisters.Capabilities) & SdhciRegisters.CanAdma2) == 0)
                throw new ApertureException(Status.NoDevice, $"{_device.Name} has no ADMA2");
            EnsureReady();
        }
        finally
        {
            _isWorking = false;
        }
    }

    /// <summary>Brings controller and card up when they have lost power, or never had it.</summary>
    private void EnsureReady()
    {
        if ((_registers.Read32(SdhciRegisters.HostControl) & SdhciRegisters.BusPower) != 0)
            return;
        _registers.Write32(SdhciRegisters.ClockControl, SdhciRegisters.ResetAll);
        _registers.Write32(SdhciRegisters.ClockControl, SdhciRegisters.InternalClock);
        for (var polls = 0; (_registers.Read32(SdhciRegisters.ClockControl) & SdhciRegisters.ClockStable) == 0; polls++)
        {
            if (polls == MaxPolls)
                throw new ApertureException(Status.IoError, $"the clock of {_device.Name} does not become stable");
        }

        _registers.Write32(SdhciRegisters.ClockControl, SdhciRegisters.InternalClock | SdhciRegisters.CardClock);
        _registers.Write32(SdhciRegisters.HostControl, SdhciRegisters.DmaSelectAdma2 | SdhciRegisters.BusPower | SdhciRegisters.Voltage33);
        _registers.Write32(SdhciRegisters.InterruptEnable, (uint)SdhciInterrupts.All);
        _registers.Write32(SdhciRegisters.SignalEnable, (uint)SdhciInterrupts.All);
        if ((_registers.Read32(SdhciRegisters.PresentState) & SdhciRegisters.CardInserted) != SdhciRegisters.CardInserted)
            throw new ApertureException(Status.NoDevice, $"{_device.Name} has no card");
        Identify();
    }

    private void Identify()
    {
        Send(SdCommand.GoIdle, 0, SdhciCommand.NoResponse);
        var condition = Send(SdCommand.SendInterfaceCondition, SdCardFacts.InterfaceCondition, SdhciCommand.ShortResponse);
        if ((condition & 0xFFF) != SdCardFacts.InterfaceCondition)
            throw new ApertureException(Status.IoError, $"the card in {_device.Name} cannot do 3.3 V");
        uint conditions = 0;
        for (var tries = 0; tries < MaxTries && (conditions & SdCardFacts.OcrReady) == 0; tries++)
        {
            Send(SdCommand.Application, 0, SdhciCommand.ShortResponse);
            conditions = Send(
                SdCommand.SendOperatingConditions, SdCardFacts.OcrHighCapacity | SdCardFacts.OcrVoltages, SdhciCommand.ShortResponse);
        }

        if ((conditions & (SdCardFacts.OcrReady | SdCardFacts.OcrHighCapacity)) != (SdCardFacts.OcrReady | SdCardFacts.OcrHighCapacity))
            throw new ApertureException(Status.IoError, $"the card in {_device.Name} is no high-capacity card, or does not become ready");
        Send(SdCommand.AllSendIdentification, 0, SdhciCommand.LongResponse);
        var address = Send(SdCommand.SendRelativeAddress, 0, SdhciCommand.ShortResponse) & 0xFFFF_0000;
        Send(SdCommand.SendCardData, address, SdhciCommand.LongResponse);
        Blocks = SdCardFacts.BlocksOf(_registers.Read32(SdhciRegisters.Response + 4));
        Send(SdCommand.Select, address, SdhciCommand.BusyResponse);
    }

    private uint Send(SdCommand command, uint argument, uint response) =>
        Issue(SdhciCommand.For(command, response), argument, SdhciTransferMode.None, SdhciInterrupts.CommandComplete);

    /// <summary>Issues a command and waits for its end. Returns the first word of the response.</summary>
    private uint Issue(SdhciCommand command, uint argument, SdhciTransferMode mode, SdhciInterrupts end)
    {
        _pending = SdhciInterrupts.None;
        _registers.Write32(SdhciRegisters.Argument, argument);
        _registers.Write32(SdhciRegisters.Command, (uint)mode | (command.Value << 16));
        for (var polls = 0; (_pending & (end | SdhciInterrupts.Error)) == 0 && polls < MaxPolls; polls++)
        {
            // The controller is at work. Where its interrupt is not heard, it is found here.
            OnInterrupt();
            if ((_pending & (end | SdhciInterrupts.Error)) == 0)
                _time?.Wait(s_pollInterval);
        }

        var response = _registers.Read32(SdhciRegisters.Response);
        if ((_pending & SdhciInterrupts.Error) != 0)
            throw new ApertureException(Status.IoError, $"{_device.Name}: command {command.Index} failed: {Describe(_pending)}");
        if ((_pending & end) == 0)
            throw new ApertureException(Status.IoError, $"{_device.Name}: command {command.Index} does not end");
        if (command.HasData && (response & SdCardFacts.StatusErrors) != 0)
            throw new ApertureException(
                Status.IoError, $"{_device.Name}: command {command.Index} failed: the card's status is 0x{response:x8}");
        return response;
    }

    private string Describe(SdhciInterrupts errors)
    {
        if ((errors & SdhciInterrupts.AdmaError) == 0)
            return (errors & ~(SdhciInterrupts.Error | SdhciInterrupts.CommandComplete)).ToString();
        var error = new SdhciAdmaError(_registers.Read32(SdhciRegisters.AdmaError));
        var table = _registers.Read32(SdhciRegisters.AdmaAddress);
        return error.IsLengthMismatch ? "the descriptors hold fewer bytes than the blocks"
            : error.State == SdhciAdmaError.Fetching ? $"the descriptor at 0x{table:x8} could not be fetched, or is not valid"
            : $"the data of the descriptor before 0x{table:x8} could not be moved";
    }

    /// <summary>Resets the lines and ends what the card is doing.</summary>
    private void Recover()
    {
        _registers.Write32(SdhciRegisters.ClockControl, SdhciRegisters.InternalClock | SdhciRegisters.CardClock
            | SdhciRegisters.ResetCommand | SdhciRegisters.ResetData);
        _registers.Write32(SdhciRegisters.InterruptStatus, (uint)SdhciInterrupts.All);
        _registers.Write32(SdhciRegisters.HostControl, 0); // the next request brings the card up anew
    }
}
