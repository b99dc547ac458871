using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Drivers.Fimc;

/// <summary>Driver of FIMC of Exynos 4, memory to memory.</summary>
public sealed class FimcDriver : IDriver
{
    private readonly TimeProvider? _time;

    /// <summary>A driver.</summary>
    /// <param name="time">The machine's time, which passes while a frame is waited for; null for hardware that does one at once.</param>
    public FimcDriver(TimeProvider? time = null) => _time = time;

    /// <inheritdoc/>
    public string Name => "exynos4-fimc";

    /// <inheritdoc/>
    public IReadOnlyList<string> Compatible { get; } = ["samsung,exynos4210-fimc", "samsung,exynos4212-fimc"];

    /// <summary>Takes a FIMC over; the result is a <see cref="FimcScaler"/>.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: registers or interrupt are missing.</exception>
    public IBoundDriver Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Registers.Count == 0 || device.Interrupts.Count == 0)
            throw new ApertureException(Status.NoDevice, $"{device.Name} has no registers or no interrupt");
        device.Dma.SetMask(32);
        var scaler = new FimcScaler(device, _time);
        device.Manage(device.Interrupts[0].Request(scaler.OnInterrupt));
        scaler.RuntimeResume();
        return scaler;
    }
}
