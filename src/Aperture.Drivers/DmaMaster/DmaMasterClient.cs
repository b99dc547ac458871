using Aperture.Core;
using Aperture.Datasheets.DmaMaster;
using Aperture.Devices;

namespace Aperture.Drivers.DmaMaster;

/// <summary>A generic DMA master with its driver: commands it and says what came of it. The device is held active only
/// during a command. A command that stalls is aborted.</summary>
/// <remarks>One command at a time. Ports are numbered as the units in the device's description. Apart from the list of a
/// scattered command, which is allocated once and grows, nothing is allocated by a command.</remarks>
public sealed partial class DmaMasterClient : IBoundDriver
{
    /// <summary>How often the status of a busy master is read before it is given up.</summary>
    public const int MaxPolls = 1_000_000;

    private static readonly TimeSpan s_pollInterval = TimeSpan.FromMicroseconds(10); // where time passes meanwhile

    private readonly Device _device;
    private readonly RegisterRegion _registers;
    private readonly DeviceGates _gates;
    private readonly TimeProvider? _time; // passes while the master works; null: it works at once
    private int _commands; // commands in progress; without one the device may be off and is not touched

    internal DmaMasterClient(Device device, RegisterRegion registers, TimeProvider? time)
    {
        _time = time;
        _device = device;
        _registers = registers;
        _gates = new DeviceGates(device);
    }

    /// <summary>The device.</summary>
    public Device Device => _device;

    /// <summary>Number of ports: one for each unit that the master is behind, or one without any.</summary>
    public int PortCount { get; private set; }

    /// <summary>Interrupts of the master so far.</summary>
    public ulong Interrupts { get; private set; }

    /// <summary>Writes the pattern of <paramref name="seed"/> from <paramref name="position"/> on.</summary>
    /// <param name="port">Which port.</param>
    /// <param name="address">Device address of the first byte.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="seed">Which pattern; see <see cref="DmaMasterPattern"/>.</param>
    /// <param name="position">Place in the pattern of the first byte.</param>
    /// <exception cref="BusErrorException">The master does not answer.</exception>
    public DmaMasterResult Fill(int port, Iova address, ulong length, ulong seed, ulong position = 0) =>
        Execute(DmaMasterCommand.Fill, Ports(0, port), default, new Side(address, 0), length, seed, position);

    /// <summary>Reads and compares with the pattern of <paramref name="seed"/> from <paramref name="position"/> on.</summary>
    /// <inheritdoc cref="Fill(int, Iova, ulong, ulong, ulong)"/>
    public DmaMasterResult Verify(int port, Iova address, ulong length, ulong seed, ulong position = 0) =>
        Execute(DmaMasterCommand.Verify, Ports(port, 0), new Side(address, 0), default, length, seed, position);

    /// <summary>Reads; the result has the checksum.</summary>
    /// <param name="port">Which port.</param>
    /// <param name="address">Device address of the first byte.</param>
    /// <param name="length">Bytes.</param>
    /// <exception cref="BusErrorException">The master does not answer.</exception>
    public DmaMasterResult Read(int port, Iova address, ulong length) =>
        Execute(DmaMasterCommand.Read, Ports(port, 0), new Side(address, 0), default, length, 0, 0);

    /// <summary>Copies, 64 KiB at a time.</summary>
    /// <param name="sourcePort">The port to read through.</param>
    /// <param name="source">Device address to read from.</param>
    /// <param name="destinationPort">The port to write through.</param>
    /// <param name="destination">Device address to write to.</param>
    /// <param name="length">Bytes.</param>
    /// <exception cref="BusErrorException">The master does not answer.</exception>
    public DmaMasterResult Copy(int sourcePort, Iova source, int destinationPort, Iova destination, ulong length) =>
        Execute(DmaMasterCommand.Copy, Ports(sourcePort, destinationPort), new Side(source, 0), new Side(destination, 0), length, 0, 0);

    /// <inheritdoc/>
    public void Remove()
    {
        FreeLists();
        _gates.Off();
    }

    /// <inheritdoc/>
    public void RuntimeSuspend() => _gates.Off();

    /// <inheritdoc/>
    public void RuntimeResume() => _gates.On();

    internal void Identify()
    {
        var id = _registers.Read32(DmaMasterRegisters.Id);
        if (id != DmaMasterRegisters.IdValue)
            throw new ApertureException(Status.NoDevice, $"{_device.Name} is not a generic DMA master: its ID is 0x{id:x8}");
        PortCount = (int)_registers.Read32(DmaMasterRegisters.Ports);
    }

    internal InterruptResult OnInterrupt()
    {
        if (_commands == 0)
            return InterruptResult.None;
        var pending = _registers.Read32(DmaMasterRegisters.IrqStatus);
        if (pending == 0)
            return InterruptResult.None;
        _registers.Write32(DmaMasterRegisters.IrqStatus, pending);
        Interrupts++;
        return InterruptResult.Handled;
    }

    private static uint Ports(int read, int write)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)read, 255u, nameof(read));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)write, 255u, nameof(write));
        return (uint)read | ((uint)write << 8);
    }

    private DmaMasterResult Execute(
        DmaMasterCommand command, uint ports, Side source, Side destination, ulong length, ulong seed, ulong position)
    {
        _device.Power.Get();
        _commands++;
        try
        {
            _registers.Write32(DmaMasterRegisters.IrqEnable, (uint)DmaMasterInterrupts.All);
            _registers.Write32(DmaMasterRegisters.Port, ports);
            _registers.Write64(DmaMasterRegisters.Source, source.Address.Value);
            _registers.Write64(DmaMasterRegisters.Destination, destination.Address.Value);
            _registers.Write64(DmaMasterRegisters.Length, length);
            _registers.Write64(DmaMasterRegisters.Seed, seed);
            _registers.Write64(DmaMasterRegisters.Position, position);
            _registers.Write32(DmaMasterRegisters.SourceCount, source.Descriptors);
            _registers.Write32(DmaMasterRegisters.DestinationCount, destination.Descriptors);
            _registers.Write32(DmaMasterRegisters.Command, (uint)command);
            var status = WaitIdle();
            var stalled = status.IsStalled;
            if (stalled)
            {
                _registers.Write32(DmaMasterRegisters.Control, DmaMasterRegisters.ControlAbort);
                OnInterrupt();
            }

            return Result(status, stalled);
        }
        finally
        {
            _commands--;
            _device.Power.Put();
        }
    }

    private DmaMasterStatus WaitIdle()
    {
        for (var polls = 0; polls < MaxPolls; polls++)
        {
            var status = new DmaMasterStatus(_registers.Read32(DmaMasterRegisters.Status));
            if (!status.IsBusy)
                return status;
            _time?.Wait(s_pollInterval);
        }

        _registers.Write32(DmaMasterRegisters.Control, DmaMasterRegisters.ControlAbort);
        return DmaMasterStatus.Done(DmaMasterError.Aborted, 0);
    }

    private DmaMasterResult Result(DmaMasterStatus status, bool stalled)
    {
        var outcome = stalled ? DmaMasterOutcome.Stalled : status.Error switch
        {
            DmaMasterError.None when status.IsDone => DmaMasterOutcome.Ok,
            DmaMasterError.Refused => DmaMasterOutcome.Refused,
            DmaMasterError.BusError => DmaMasterOutcome.BusError,
            DmaMasterError.Mismatch => DmaMasterOutcome.Mismatch,
            DmaMasterError.ShortList => DmaMasterOutcome.ShortList,
            DmaMasterError.BadCommand => DmaMasterOutcome.BadCommand,
            _ => DmaMasterOutcome.Aborted, // also neither busy nor done: it was reset below us
        };
        var difference = _registers.Read32(DmaMasterRegisters.Difference);
        return new DmaMasterResult(
            outcome,
            new Iova(_registers.Read64(DmaMasterRegisters.FaultAddress)),
            status.IsWrite,
            _registers.Read64(DmaMasterRegisters.BytesDone),
            _registers.Read64(DmaMasterRegisters.Checksum),
            (byte)difference,
            (byte)(difference >> 8));
    }

    /// <summary>What SOURCE or DESTINATION gets: an address, and how many descriptors stand there.</summary>
    private readonly record struct Side(Iova Address, uint Descriptors);
}
