using Aperture.Core;
using Aperture.Datasheets.Fimc;
using Aperture.Devices;
using Aperture.Dma;

namespace Aperture.Drivers.Fimc;

/// <summary>A FIMC with its driver: takes a picture in memory to another size and format. The device is held active only
/// during a job.</summary>
/// <remarks>One job at a time. A job allocates nothing.</remarks>
public sealed partial class FimcScaler : IBoundDriver
{
    /// <summary>The largest side of a picture.</summary>
    public const int MaxSide = 8190;

    /// <summary>How often the hardware is looked at before a job is given up.</summary>
    public const int MaxPolls = 1_000_000;

    private static readonly TimeSpan s_pollInterval = TimeSpan.FromMicroseconds(10); // where time passes meanwhile

    private readonly Device _device;
    private readonly RegisterRegion _registers;
    private readonly DeviceGates _gates;
    private readonly TimeProvider? _time; // passes while the hardware works; null: it works at once
    private bool _working; // a job is on the hardware: registers can be touched
    private bool _done;    // its end was signalled

    internal FimcScaler(Device device, TimeProvider? time)
    {
        _time = time;
        _device = device;
        _registers = device.Registers[0];
        _gates = new DeviceGates(device);
    }

    /// <summary>The device.</summary>
    public Device Device => _device;

    /// <summary>Jobs that ended well.</summary>
    public ulong Completed { get; private set; }

    /// <summary>Jobs that failed on the hardware.</summary>
    public ulong Failed { get; private set; }

    /// <summary>Takes a picture to another size and format.</summary>
    /// <param name="source">Any format; sides at least 2, even for 4:2:0.</param>
    /// <param name="target">RGB; a side is less than 64 times smaller than the source's.</param>
    /// <param name="flip">How to mirror it.</param>
    /// <exception cref="ApertureException">As the status of <see cref="TryConvert"/>.</exception>
    public void Convert(in FimcImage source, in FimcImage target, FimcFlip flip = FimcFlip.None)
    {
        var status = TryConvert(source, target, flip);
        if (status != Status.Ok)
        {
            throw new ApertureException(
                status,
                $"{_device.Name} could not take {source.Width} x {source.Height} {source.Format} "
                + $"to {target.Width} x {target.Height} {target.Format}: {status}");
        }
    }

    /// <summary>Takes a picture to another size and format; failure is a result.</summary>
    /// <inheritdoc cref="Convert"/>
    /// <returns><see cref="Status.InvalidArgument"/> or <see cref="Status.NotSupported"/> for pictures that the hardware cannot
    /// take, <see cref="Status.IoError"/> when the hardware did not come to an end (it was reset), or what mapping failed with.</returns>
    public Status TryConvert(in FimcImage source, in FimcImage target, FimcFlip flip = FimcFlip.None)
    {
        var status = Check(source, target);
        if (status != Status.Ok)
            return status;
        status = _device.Dma.TryMap(source.Memory.Slice(0, source.Bytes), DmaDirection.ToDevice, out var from);
        if (status != Status.Ok)
            return status;
        status = _device.Dma.TryMap(target.Memory.Slice(0, target.Bytes), DmaDirection.FromDevice, out var to);
        if (status != Status.Ok)
        {
            from.Dispose();
            return status;
        }

        try
        {
            return Run(source, from.Address, target, to.Address, flip);
        }
        finally
        {
            to.Dispose();
            from.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Remove() => _gates.Off();

    /// <inheritdoc/>
    public void RuntimeSuspend() => _gates.Off();

    /// <inheritdoc/>
    public void RuntimeResume() => _gates.On();

    private static Status Check(in FimcImage source, in FimcImage target)
    {
        if (!IsSize(source.Width) || !IsSize(source.Height) || !IsSize(target.Width) || !IsSize(target.Height))
            return Status.InvalidArgument;
        if (source.Memory.Length < source.Bytes || target.Memory.Length < target.Bytes)
            return Status.InvalidArgument;
        if (source.Format == FimcFormat.Yuv420 && ((source.Width | source.Height) & 1) != 0)
            return Status.InvalidArgument;
        if (target.Format == FimcFormat.Yuv420)
            return Status.NotSupported;
        return source.Width < target.Width * 64 && source.Height < target.Height * 64 ? Status.Ok : Status.NotSupported;
    }

    private static bool IsSize(int side) => side is >= 2 and <= MaxSide;

    private Status Run(in FimcImage source, Iova from, in FimcImage target, Iova to, FimcFlip flip)
    {
        _device.Power.Get();
        _working = true;
        _done = false;
        try
        {
            Reset();
            Program(source, from, target, to, flip);
            for (var polls = 0; !_done && polls < MaxPolls
                && new FimcMemoryControl(_registers.Read32(FimcRegisters.MemoryControl)).IsEnabled; polls++)
            {
                // The hardware is at work, or hangs on an access that will not be answered.
                _time?.Wait(s_pollInterval);
            }

            if (_done)
            {
                Completed++;
                return Status.Ok;
            }

            Reset();
            Failed++;
            return Status.IoError;
        }
        finally
        {
            _working = false;
            _device.Power.Put();
        }
    }
}
