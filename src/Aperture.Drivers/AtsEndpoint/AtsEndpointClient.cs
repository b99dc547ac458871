using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Datasheets.AtsEndpoint;
using Aperture.Devices;

namespace Aperture.Drivers.AtsEndpoint;

/// <summary>An ATS endpoint with its driver: jobs that read and write memory, for the device itself or for a process. It is held active
/// while it has its driver.</summary>
/// <remarks>Each channel has one job at a time, of one thread; different channels may be used by different threads.</remarks>
public sealed class AtsEndpointClient : IBoundDriver
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMicroseconds(10);

    private readonly Device _device;
    private readonly TimeProvider _time;
    private readonly RegisterRegion _registers;
    private readonly DeviceGates _gates;
    private volatile bool _isActive;

    internal AtsEndpointClient(Device device, TimeProvider time)
    {
        (_device, _time) = (device, time);
        _registers = device.Registers[0];
        _gates = new DeviceGates(device);
    }

    /// <summary>The device.</summary>
    public Device Device => _device;

    /// <summary>How many channels it has.</summary>
    public int Channels { get; private set; }

    /// <summary>How long a job may take before it is given up; 10 s unless set.</summary>
    public TimeSpan Limit { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Hears of the channels whose jobs have ended, a bit each, from the interrupt handler.</summary>
    public event Action<uint>? Ended;

    /// <summary>Bytes of the device's buffer that belong to a channel, from its number times so many on; also the longest job's.</summary>
    public int BufferBytes => (int)AtsEndpointRegisters.BufferSize / Channels;

    /// <summary>Accesses that found their translation in the device.</summary>
    public ulong Hits => _registers.Read64(AtsEndpointRegisters.Hits);

    /// <summary>Translations that it asked for.</summary>
    public ulong Misses => _registers.Read64(AtsEndpointRegisters.Misses);

    /// <summary>Pages that it asked for.</summary>
    public ulong PageRequests => _registers.Read64(AtsEndpointRegisters.PageRequests);

    /// <summary>Answers to groups of page requests that it got.</summary>
    public ulong Answers => _registers.Read64(AtsEndpointRegisters.Answers);

    /// <summary>Answers that it did not wait for.</summary>
    public ulong UnexpectedAnswers => _registers.Read64(AtsEndpointRegisters.UnexpectedAnswers);

    /// <summary>Starts a job.</summary>
    /// <param name="channel">0 to <see cref="Channels"/> - 1.</param>
    /// <param name="command">What to do, in the channel's part of the buffer.</param>
    /// <param name="address">The device address.</param>
    /// <param name="bytes">How many, 1 to <see cref="BufferBytes"/>; of <see cref="AtsEndpointCommand.Prefetch"/> any number.</param>
    /// <param name="pasid">The process; null for none.</param>
    /// <exception cref="ApertureException"><see cref="Status.Busy"/>: the channel has a job; <see cref="Status.OutOfRange"/>: more bytes
    /// than a channel has room for.</exception>
    /// <exception cref="BusErrorException">The device does not answer.</exception>
    public void Start(int channel, AtsEndpointCommand command, Iova address, int bytes, Pasid? pasid = null)
    {
        CheckChannel(channel);
        var isTransfer = command is AtsEndpointCommand.Read or AtsEndpointCommand.Write;
        if (bytes < 0 || isTransfer)
            CheckRoom(bytes);
        if (ResultOf(channel) == AtsEndpointResult.Busy)
            throw new ApertureException(Status.Busy, $"{_device.Name}: channel {channel} has a job");
        var at = RegisterOf(channel);
        _registers.Write64(at + AtsEndpointRegisters.Address, address.Value);
        _registers.Write32(at + AtsEndpointRegisters.Length, (uint)bytes);
        _registers.Write32(at + AtsEndpointRegisters.Process, pasid is { } process ? AtsEndpointRegisters.HasProcess | process.Value : 0);
        _registers.Write32(at + AtsEndpointRegisters.BufferOffset, (uint)(channel * BufferBytes));
        _registers.Write32(at + AtsEndpointRegisters.Command, (uint)command);
    }

    /// <summary>How the last job of a channel ended; <see cref="AtsEndpointResult.Busy"/> while it goes on.</summary>
    /// <exception cref="BusErrorException">The device does not answer.</exception>
    public AtsEndpointResult ResultOf(int channel) =>
        (AtsEndpointResult)_registers.Read32(RegisterOf(channel) + AtsEndpointRegisters.Result);

    /// <summary>Waits for the end of a channel's job.</summary>
    /// <exception cref="ApertureException"><see cref="Status.TimedOut"/>: it did not end.</exception>
    /// <exception cref="BusErrorException">The device does not answer.</exception>
    public AtsEndpointResult Wait(int channel)
    {
        if (_time.WaitUntil((Client: this, Channel: channel), static it => it.Client.ResultOf(it.Channel) != AtsEndpointResult.Busy,
            s_interval, Limit))
            return ResultOf(channel);
        throw new ApertureException(Status.TimedOut, $"{_device.Name}: the job of channel {channel} does not end");
    }

    /// <summary>Has bytes read from memory.</summary>
    /// <param name="address">The device address.</param>
    /// <param name="destination">Where they go; at most <see cref="BufferBytes"/>.</param>
    /// <param name="pasid">The process; null for none.</param>
    /// <param name="channel">The channel that does it.</param>
    /// <exception cref="ApertureException">As for <see cref="Start"/> and <see cref="Wait"/>.</exception>
    public AtsEndpointResult Read(Iova address, Span<byte> destination, Pasid? pasid = null, int channel = 0)
    {
        Start(channel, AtsEndpointCommand.Read, address, destination.Length, pasid);
        var result = Wait(channel);
        if (result == AtsEndpointResult.Done)
            Fetch(channel, destination);
        return result;
    }

    /// <summary>Has bytes written to memory.</summary>
    /// <param name="address">The device address.</param>
    /// <param name="source">The bytes; at most <see cref="BufferBytes"/>.</param>
    /// <param name="pasid">The process; null for none.</param>
    /// <param name="channel">The channel that does it.</param>
    /// <exception cref="ApertureException">As for <see cref="Start"/> and <see cref="Wait"/>.</exception>
    public AtsEndpointResult Write(Iova address, ReadOnlySpan<byte> source, Pasid? pasid = null, int channel = 0)
    {
        Put(channel, source);
        Start(channel, AtsEndpointCommand.Write, address, source.Length, pasid);
        return Wait(channel);
    }

    /// <summary>Takes bytes out of a channel's part of the buffer.</summary>
    /// <param name="channel">0 to <see cref="Channels"/> - 1.</param>
    /// <param name="destination">Where they go; at most <see cref="BufferBytes"/>.</param>
    /// <exception cref="ApertureException"><see cref="Status.OutOfRange"/>: more bytes than a channel has room for.</exception>
    /// <exception cref="BusErrorException">The device does not answer.</exception>
    public void Fetch(int channel, Span<byte> destination)
    {
        CheckChannel(channel);
        CheckRoom(destination.Length);
        Span<byte> word = stackalloc byte[sizeof(uint)];
        for (var i = 0; i < destination.Length; i += sizeof(uint))
        {
            BinaryPrimitives.WriteUInt32LittleEndian(word, _registers.Read32(BufferOf(channel) + (uint)i));
            word[..Math.Min(sizeof(uint), destination.Length - i)].CopyTo(destination[i..]);
        }
    }

    /// <summary>Puts bytes into a channel's part of the buffer; up to 3 behind them become zero.</summary>
    /// <param name="channel">0 to <see cref="Channels"/> - 1.</param>
    /// <param name="source">The bytes; at most <see cref="BufferBytes"/>.</param>
    /// <exception cref="ApertureException"><see cref="Status.OutOfRange"/>: more bytes than a channel has room for.</exception>
    /// <exception cref="BusErrorException">The device does not answer.</exception>
    public void Put(int channel, ReadOnlySpan<byte> source)
    {
        CheckChannel(channel);
        CheckRoom(source.Length);
        Span<byte> word = stackalloc byte[sizeof(uint)];
        for (var i = 0; i < source.Length; i += sizeof(uint))
        {
            word.Clear();
            source.Slice(i, Math.Min(sizeof(uint), source.Length - i)).CopyTo(word);
            _registers.Write32(BufferOf(channel) + (uint)i, BinaryPrimitives.ReadUInt32LittleEndian(word));
        }
    }

    /// <inheritdoc/>
    public void Remove() => RuntimeSuspend();

    /// <inheritdoc/>
    public void RuntimeSuspend()
    {
        _isActive = false;
        _gates.Off();
    }

    /// <inheritdoc/>
    public void RuntimeResume()
    {
        _gates.On();
        _isActive = true;
    }

    internal void Identify()
    {
        var identification = _registers.Read32(AtsEndpointRegisters.Identification);
        if (identification != AtsEndpointRegisters.IdentificationValue)
        {
            throw new ApertureException(
                Status.NoDevice, $"{_device.Name} is no ATS endpoint: its identification is 0x{identification:x8}");
        }

        Channels = (int)_registers.Read32(AtsEndpointRegisters.Channels);
    }

    internal InterruptResult OnInterrupt()
    {
        if (!_isActive)
            return InterruptResult.None; // another device shares the line
        var ended = _registers.Read32(AtsEndpointRegisters.InterruptStatus);
        if (ended == 0)
            return InterruptResult.None;
        _registers.Write32(AtsEndpointRegisters.InterruptStatus, ended);
        Ended?.Invoke(ended);
        return InterruptResult.Handled;
    }

    private void CheckChannel(int channel)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(channel);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(channel, Channels);
    }

    private void CheckRoom(int bytes)
    {
        if (bytes < 0 || bytes > BufferBytes)
            throw new ApertureException(Status.OutOfRange, $"{_device.Name} moves {BufferBytes} bytes at once, not {bytes}");
    }

    private static uint RegisterOf(int channel) =>
        AtsEndpointRegisters.FirstChannel + ((uint)channel * AtsEndpointRegisters.ChannelStride);

    private uint BufferOf(int channel) => AtsEndpointRegisters.Buffer + (uint)(channel * BufferBytes);
}
