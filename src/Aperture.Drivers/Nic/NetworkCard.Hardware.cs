using Aperture.Core;
using Aperture.Datasheets.Nic;
using Aperture.Devices;

namespace Aperture.Drivers.Nic;

/// <summary>The registers and the interrupt.</summary>
public sealed partial class NetworkCard
{
    internal void Identify()
    {
        var id = _registers.Read32(NicRegisters.Id);
        if (id != NicRegisters.IdValue)
            throw new ApertureException(Status.NoDevice, $"{_device.Name} is not a ring NIC: its ID is 0x{id:x8}");
    }

    internal InterruptResult OnInterrupt()
    {
        if (!_isRunning)
            return InterruptResult.None; // another block shares the line, and we may have no power
        var pending = (NicInterrupts)_registers.Read32(NicRegisters.IrqStatus);
        if (pending == NicInterrupts.None)
            return InterruptResult.None;
        _registers.Write32(NicRegisters.IrqStatus, (uint)pending);
        Interrupts++;
        if ((pending & NicInterrupts.Error) != 0)
            Fail();
        Reap();
        Poll();
        return InterruptResult.Handled;
    }

    private void Start()
    {
        Failure = null;
        _receiveTail = _receiveHead = _transmitTail = _transmitHead = 0;
        _registers.Write32(NicRegisters.Control, (uint)NicControl.Reset);
        _registers.Write64(NicRegisters.ReceiveBase, _receiveRing.Address.Value);
        _registers.Write32(NicRegisters.ReceiveSize, (uint)_options.ReceiveRing);
        _registers.Write64(NicRegisters.TransmitBase, _transmitRing.Address.Value);
        _registers.Write32(NicRegisters.TransmitSize, (uint)_options.TransmitRing);
        _registers.Write32(NicRegisters.IrqEnable, (uint)NicInterrupts.All);
        _isRunning = true;
        Refill();
        _registers.Write32(NicRegisters.Control,
            (uint)(NicControl.Receive | NicControl.Transmit | (_isLooped ? NicControl.Loopback : NicControl.None)));
    }

    /// <summary>Makes the card quiet and takes back all that it has.</summary>
    private void Stop()
    {
        if (!_isRunning)
            return;
        Dropped += _registers.Read32(NicRegisters.Dropped);
        _registers.Write32(NicRegisters.Control, (uint)NicControl.Reset);
        _isRunning = false;
        TakeBackReceive();
        TakeBackTransmit();
    }

    private void Fail()
    {
        var status = new NicStatus(_registers.Read32(NicRegisters.Status));
        var engine = status.TransmitterStopped ? status.ReceiverStopped ? "receiver and transmitter" : "transmitter" : "receiver";
        Failure = $"the {engine} stopped at a {(status.IsWrite ? "write to" : "read of")} " +
            $"{(status.IsDescriptor ? "the ring at " : "")}{new Iova(_registers.Read64(NicRegisters.FaultAddress))}: {status.Error}";
    }
}
