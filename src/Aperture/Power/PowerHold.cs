namespace Aperture.Power;

/// <summary>Keeps a device active until it is disposed, once. <c>using var hold = device.Power.Hold();</c></summary>
public readonly record struct PowerHold : IDisposable
{
    private readonly RuntimePower? _power;

    internal PowerHold(RuntimePower power) => _power = power;

    /// <summary>Lets the device go.</summary>
    public void Dispose() => _power?.Put();
}
