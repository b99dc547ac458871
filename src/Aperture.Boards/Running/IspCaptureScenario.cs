using Aperture.Core;
using Aperture.Drivers.Imaging;
using Aperture.Drivers.Omap3Isp;
using Aperture.Hardware.Masters;

namespace Aperture.Boards.Running;

/// <summary>OMAP3 ISP capture: a sensor feeds frames, the ISP writes them through its MMU into buffers of the DMA API, and the
/// system goes to sleep and comes back in mid-stream.</summary>
public sealed class IspCaptureScenario : IScenario
{
    private const int Width = 320;
    private const int Height = 240;
    private const int FramesBeforeSleep = 5;
    private const int FramesAfterSleep = 5;
    private static readonly TimeSpan LineTime = TimeSpan.FromMilliseconds(1000.0 / 30 / Height);

    /// <inheritdoc/>
    public string Name => "isp-capture";

    /// <inheritdoc/>
    public string Description => "OMAP3 ISP captures a sensor's frames, through a system sleep";

    /// <inheritdoc/>
    public bool AppliesTo(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return Find(machine) is not null;
    }

    /// <inheritdoc/>
    public ScenarioResult Run(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        var master = Find(machine) ?? throw new ApertureException(Status.NoDevice, "the board has no OMAP3 ISP");
        var faults = machine.Iommu.FaultCount;
        using var binding = new ClientBinding(machine, master.Device!, new Omap3IspDriver());
        var stream = (Omap3IspStream)master.Device!.Bound!;
        using var sensor = new SensorModel((Omap3IspCapture)master.Client!, Width, Height);

        var trouble = new List<string>();
        Picture? last = null;
        uint frames = 0;
        stream.FrameDone = frame =>
        {
            if (frame.Status != Status.Ok)
            {
                trouble.Add($"frame {frame.Sequence}: {frame.Status}");
                return;
            }

            frames++;
            last = frame.ToPicture();
            if (Difference(last, sensor) is { } difference)
                trouble.Add($"frame {frame.Sequence}: {difference}");
            stream.Queue(frame.Index);
        };

        stream.Start(new Omap3IspFormat(Width, Height));
        // Line by line, so that the sleep comes in the middle of a frame.
        using var lines = machine.Clock.CreateTimer(_ => sensor.Tick(), null, LineTime, LineTime);
        machine.Clock.Advance(LineTime * Height * FramesBeforeSleep + (LineTime * (Height / 2)));
        var (before, addresses) = (stream.Sequence, stream.BufferAddresses.ToArray());
        machine.Drivers.Suspend();
        machine.Clock.Advance(TimeSpan.FromSeconds(1));
        machine.Drivers.Resume();
        machine.Clock.Advance(LineTime * Height * FramesAfterSleep);
        if (!stream.IsStreaming || !stream.BufferAddresses.SequenceEqual(addresses))
            trouble.Add("the session did not survive the sleep");
        if (stream.Sequence < before + FramesAfterSleep - 1)
            trouble.Add($"only {stream.Sequence - before} frames came after the sleep");
        stream.Stop();
        if (machine.Iommu.FaultCount != faults)
            trouble.Add($"the MMU reported: {machine.Iommu.Faults[^1]}");

        return new ScenarioResult(
            Name,
            trouble.Count == 0,
            [$"{frames} frames of {Width}x{Height} captured, {before} before the system slept; {stream.Overruns} overruns, "
                + $"{stream.Errors} errors", .. trouble.Take(10)],
            last);
    }

    private static BoardMaster? Find(Machine machine) =>
        machine.Masters.FirstOrDefault(master => master is { Client: Omap3IspCapture, Device.Bound: not null });

    /// <summary>Compares where the picture is flat around a pixel, so that the interpolation of colours cannot matter.</summary>
    private static string? Difference(Picture picture, SensorModel sensor)
    {
        var frame = sensor.Frame;
        for (var y = 2; y < Height - 2; y += 7)
        {
            for (var x = 2; x < Width - 2; x += 7)
            {
                var expected = sensor.ColourAt(frame, x, y);
                if (IsFlat(sensor, frame, x, y) && picture[x, y] != expected)
                    return $"pixel {x},{y} is 0x{picture[x, y]:x6}, not 0x{expected:x6}";
            }
        }

        return null;
    }

    private static bool IsFlat(SensorModel sensor, uint frame, int x, int y)
    {
        for (var dy = -1; dy <= 1; dy++)
        {
            for (var dx = -1; dx <= 1; dx++)
            {
                if (sensor.ColourAt(frame, x + dx, y + dy) != sensor.ColourAt(frame, x, y))
                    return false;
            }
        }

        return true;
    }
}
