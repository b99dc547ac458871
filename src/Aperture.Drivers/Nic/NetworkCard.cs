using Aperture.Core;
using Aperture.Datasheets.Nic;
using Aperture.Devices;
using Aperture.Power;

namespace Aperture.Drivers.Nic;

/// <summary>A ring NIC with its driver: sends and receives Ethernet frames while it is open. It is held active as long.</summary>
/// <remarks>One caller at a time; <see cref="Received"/> is called on the thread that raises the interrupt. A frame allocates
/// nothing.</remarks>
public sealed partial class NetworkCard : IBoundDriver
{
    private readonly Device _device;
    private readonly RegisterRegion _registers;
    private readonly DeviceGates _gates;
    private readonly NicOptions _options;
    private PowerHold? _hold;     // while open
    private bool _isRunning;      // the card has its rings: registers can be touched
    private bool _isLooped;       // open in loopback

    internal NetworkCard(Device device, NicOptions options)
    {
        _device = device;
        _registers = device.Registers[0];
        _gates = new DeviceGates(device);
        _options = options;
        _pool = new ReceivePool(device.Dma, Math.Max(options.ReceivePages, options.ReceiveRing / 2));
        _posted = new int[options.ReceiveRing];
        _frames = new Outgoing[options.TransmitRing];
        for (var i = 0; i < _frames.Length; i++)
            _frames[i] = new Outgoing();
    }

    /// <summary>The device.</summary>
    public Device Device => _device;

    /// <summary>The card's address, of six bytes: frames to others are given back unread. Zero, the default, takes all.</summary>
    public ulong Address { get; set; }

    /// <summary>Gets each received frame, and disposes it then or later.</summary>
    public Action<ReceivedFrame>? Received { get; set; }

    /// <summary>Whether the card is open.</summary>
    public bool IsOpen => _hold is not null;

    /// <summary>What stopped the card, in one line; null while it works. Close and open it again to go on.</summary>
    public string? Failure { get; private set; }

    /// <summary>Interrupts so far.</summary>
    public ulong Interrupts { get; private set; }

    /// <summary>Switches the card on.</summary>
    /// <param name="loopback">Whether it receives what it sends, and nothing else.</param>
    /// <exception cref="ApertureException"><see cref="Status.Busy"/>: it is open; <see cref="Status.NoMemory"/>: no rings.</exception>
    public void Open(bool loopback = false)
    {
        if (_hold is not null)
            throw new ApertureException(Status.Busy, $"{_device.Name} is open already");
        _isLooped = loopback;
        var hold = _device.Power.Hold();
        try
        {
            _receiveRing = _device.Dma.Allocate(_options.ReceiveRing * NicReceiveDescriptor.Size);
            _transmitRing = _device.Dma.Allocate(_options.TransmitRing * NicTransmitDescriptor.Size);
            Start();
            _hold = hold;
        }
        catch
        {
            FreeRings();
            hold.Dispose();
            throw;
        }
    }

    /// <summary>Switches the card off. Frames that were not sent yet are not sent.</summary>
    /// <exception cref="ApertureException"><see cref="Status.Busy"/>: received frames are still held; the card is quiet, and not
    /// closed.</exception>
    public void Close()
    {
        if (_hold is not { } hold)
            return;
        Stop();
        _pool.Clear();
        FreeRings();
        _hold = null;
        hold.Dispose();
    }

    /// <inheritdoc/>
    public void Remove()
    {
        Close();
        _gates.Off();
    }

    /// <inheritdoc/>
    public void Suspend()
    {
        if (IsOpen)
            Stop();
        _gates.Off();
    }

    /// <inheritdoc/>
    public void Resume()
    {
        _gates.On();
        if (IsOpen)
            Start();
    }

    /// <inheritdoc/>
    public void RuntimeSuspend() => _gates.Off();

    /// <inheritdoc/>
    public void RuntimeResume() => _gates.On();

    private void FreeRings()
    {
        _receiveRing.Dispose();
        _transmitRing.Dispose();
        _receiveRing = _transmitRing = default;
    }
}
