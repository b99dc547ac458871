using Aperture.Core;
using Aperture.Datasheets.Edu;
using Aperture.Devices;

namespace Aperture.Drivers.Edu;

/// <summary>An educational device with its driver: factorials, interrupts, and DMA between memory and the device's buffer. The
/// device is held active while it has its driver: its buffer would be lost otherwise, as it is in a system's sleep.</summary>
/// <remarks>One command at a time; none allocates. The device cannot tell that an IOMMU refused an access: then a
/// <see cref="Load"/> brings zeros and a <see cref="Store"/> leaves memory as it was, and both end well. An access that is held back
/// for ever is a <see cref="Status.TimedOut"/>.</remarks>
public sealed partial class EduClient : IBoundDriver
{
    /// <summary>Bytes of the device's buffer that are used, and so of the longest transfer: a virtual machine may end, all of it,
    /// on a transfer that reaches the buffer's very end.</summary>
    public const int BufferSize = EduRegisters.BufferSize - 8;

    private readonly Device _device;
    private readonly TimeProvider _time;
    private readonly RegisterRegion _registers;
    private readonly DeviceGates _gates;
    private ulong _interrupts; // handled so far
    private bool _active;      // the device can be touched; not during a system's sleep
    private uint _seen;        // interrupt bits since this command began; the handler may run on another thread

    internal EduClient(Device device, TimeProvider time)
    {
        _device = device;
        _time = time;
        _registers = device.Registers[0];
        _gates = new DeviceGates(device);
    }

    /// <summary>The device.</summary>
    public Device Device => _device;

    /// <summary>What the device says it is.</summary>
    public EduIdentification Identification { get; private set; }

    /// <summary>Interrupts of the device so far.</summary>
    public ulong Interrupts => Volatile.Read(ref _interrupts);

    /// <summary>How long a command may take before it is given up. 10 seconds, unless set: virtual machines take their time.</summary>
    public TimeSpan Limit { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How often a command is asked whether it is over. 1 millisecond, unless set.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromMilliseconds(1);

    /// <summary>Whether the device inverts what is written to its liveness register.</summary>
    /// <param name="value">What to write.</param>
    /// <exception cref="BusErrorException">The device does not answer.</exception>
    public bool IsAlive(uint value)
    {
        _registers.Write32(EduRegisters.Liveness, value);
        return _registers.Read32(EduRegisters.Liveness) == ~value;
    }

    /// <inheritdoc/>
    public void Remove() => RuntimeSuspend();

    /// <inheritdoc/>
    public void RuntimeSuspend()
    {
        Volatile.Write(ref _active, false);
        _gates.Off();
    }

    /// <inheritdoc/>
    public void RuntimeResume()
    {
        _gates.On();
        Volatile.Write(ref _active, true);
    }

    internal void Identify()
    {
        Identification = new EduIdentification(_registers.Read32(EduRegisters.Identification));
        if (!Identification.IsEdu)
            throw new ApertureException(Status.NoDevice,
                $"{_device.Name} is not an educational device: its identification is 0x{Identification.Value:x8}");
        if (!IsAlive(0x5AA5_00FF))
            throw new ApertureException(Status.NoDevice, $"{_device.Name} fails its liveness check");
        Acknowledge(); // what a driver before this one left behind
    }

    internal InterruptResult OnInterrupt()
    {
        if (!Volatile.Read(ref _active))
            return InterruptResult.None; // another device shares the line
        var pending = Acknowledge();
        if (pending == 0)
            return InterruptResult.None;
        Interlocked.Increment(ref _interrupts);
        Interlocked.Or(ref _seen, pending);
        return InterruptResult.Handled;
    }

    /// <summary>Starts a command once the last one is over, even one that another driver left behind.</summary>
    private Status Begin(Func<EduClient, bool> isIdle, EduWait wait)
    {
        if (wait == EduWait.Interrupt && _device.Interrupts.Count == 0)
            return Status.NotSupported;
        if (!_time.WaitUntil(this, isIdle, Interval, Limit))
            return Status.Busy;
        Acknowledge();
        Volatile.Write(ref _seen, 0);
        return Status.Ok;
    }

    /// <summary>Waits for the end of a command.</summary>
    /// <param name="isIdle">Whether the device's registers say that it is over.</param>
    /// <param name="wait">Whether an interrupt must have come as well.</param>
    private Status WaitIdle(Func<EduClient, bool> isIdle, EduWait wait)
    {
        if (_time.WaitUntil((Client: this, IsIdle: isIdle, Wait: wait), static it =>
            (it.Wait == EduWait.Poll || Volatile.Read(ref it.Client._seen) != 0) && it.IsIdle(it.Client), Interval, Limit))
            return Status.Ok;
        if (!isIdle(this))
            Reset();
        return Status.TimedOut;
    }

    private uint Acknowledge()
    {
        var pending = _registers.Read32(EduRegisters.InterruptStatus);
        if (pending != 0)
            _registers.Write32(EduRegisters.InterruptAcknowledge, pending);
        return pending;
    }

    /// <summary>Takes the device back from a command that does not end, where it has a reset line.</summary>
    private void Reset()
    {
        RuntimeSuspend();
        RuntimeResume();
    }
}
