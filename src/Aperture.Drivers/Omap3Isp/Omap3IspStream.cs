using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma.Memory;

namespace Aperture.Drivers.Omap3Isp;

/// <summary>The ISP with its driver: a stream of frames into a queue of buffers. The device is held active only while it streams.</summary>
/// <remarks>Not thread-safe: calls come from the thread that interrupts come from. At each frame's end the ISP is given the next
/// buffer of the queue; with none there it writes the next frame over the last one, which then counts as an overrun.</remarks>
public sealed partial class Omap3IspStream : IBoundDriver
{
    private readonly Device _device;
    private readonly DeviceGates _gates;
    private readonly Queue<int> _queue = new(); // buffers that wait for a frame
    private CoherentBuffer[] _buffers = [];     // all buffers of the stream; none while it does not run
    private bool[] _delivered = [];             // which of them the client has
    private Omap3IspFormat _format;
    private int _current;                       // the buffer that the ISP writes
    private Status _frameStatus;                // what went wrong in the current frame
    private bool _awake;                        // the device has power: its registers can be touched

    internal Omap3IspStream(Device device)
    {
        _device = device;
        _registers = device.Registers[0];
        _gates = new DeviceGates(device);
    }

    /// <summary>Called with each frame, from the interrupt handler.</summary>
    public Action<Omap3IspFrame>? FrameDone { get; set; }

    /// <summary>The device.</summary>
    public Device Device => _device;

    /// <summary>Whether frames are taken. Stays true over system sleep.</summary>
    public bool IsStreaming { get; private set; }

    /// <summary>Frames seen since the stream began.</summary>
    public uint Sequence { get; private set; }

    /// <summary>Frames lost because no buffer was queued.</summary>
    public uint Overruns { get; private set; }

    /// <summary>Frames that did not get to memory whole.</summary>
    public uint Errors { get; private set; }

    /// <summary>Where the device finds each buffer of the stream.</summary>
    public IEnumerable<Iova> BufferAddresses => _buffers.Select(buffer => buffer.Address);

    /// <summary>Begins to take frames into buffers of the driver's own, all queued.</summary>
    /// <param name="format">What the sensor sends and how it goes to memory.</param>
    /// <param name="buffers">At least 2.</param>
    /// <exception cref="ApertureException">A stream runs, the format is impossible, or there is no memory.</exception>
    public void Start(Omap3IspFormat format, int buffers = 3)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(buffers, 2);
        if (IsStreaming)
            throw new ApertureException(Status.Busy, $"{_device.Name} is streaming already");
        if (!format.IsValid)
            throw new ApertureException(Status.InvalidArgument,
                $"{_device.Name} cannot take frames of {format.Width} x {format.Height} pixels");
        _format = format;
        _buffers = new CoherentBuffer[buffers];
        _delivered = new bool[buffers];
        var active = false;
        try
        {
            for (var i = 0; i < buffers; i++)
                _buffers[i] = _device.Dma.Allocate(format.Bytes);
            for (var i = 1; i < buffers; i++)
                _queue.Enqueue(i);
            _current = 0;
            Sequence = Overruns = Errors = 0;
            _frameStatus = Status.Ok;
            _device.Power.Get();
            active = true;
            Program();
            IsStreaming = true;
        }
        catch
        {
            if (active)
                _device.Power.Put();
            FreeBuffers();
            throw;
        }
    }

    /// <summary>Ends the stream: the device is quiet and the buffers are gone when this returns.</summary>
    public void Stop()
    {
        if (!IsStreaming)
            return;
        IsStreaming = false;
        if (_awake)
            Quieten();
        _device.Power.Put();
        FreeBuffers();
    }

    /// <summary>Gives a buffer back to the stream.</summary>
    /// <param name="index">The index of a frame that was delivered.</param>
    /// <exception cref="ApertureException">The client does not have this buffer.</exception>
    public void Queue(int index)
    {
        if ((uint)index >= (uint)_delivered.Length || !_delivered[index])
            throw new ApertureException(Status.InvalidArgument, $"buffer {index} of {_device.Name} is not the client's to queue");
        _delivered[index] = false;
        _queue.Enqueue(index);
    }

    /// <inheritdoc/>
    public void Remove()
    {
        Stop();
        RuntimeSuspend();
    }

    /// <summary>Stops the hardware; queue, buffers and mappings stay. The frame that was under way is taken again later.</summary>
    public void Suspend()
    {
        if (IsStreaming && _awake)
            Quieten();
        _awake = false;
        _gates.Off();
    }

    /// <summary>Goes on where <see cref="Suspend"/> stopped.</summary>
    public void Resume() => RuntimeResume();

    /// <inheritdoc/>
    public void RuntimeSuspend() => Suspend();

    /// <inheritdoc/>
    public void RuntimeResume()
    {
        _gates.On();
        _awake = true;
        _frameStatus = Status.Ok;
        if (IsStreaming)
            Program();
    }

    private void FreeBuffers()
    {
        foreach (var buffer in _buffers)
            buffer.Dispose();
        _buffers = [];
        _delivered = [];
        _queue.Clear();
    }
}
