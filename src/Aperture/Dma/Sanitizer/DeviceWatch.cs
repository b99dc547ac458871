using Aperture.Devices;

namespace Aperture.Dma.Sanitizer;

/// <summary>What is known of a device beyond the stay of one driver.</summary>
/// <param name="owner">Who watches.</param>
internal sealed class DeviceWatch(DmaSanitizer owner)
{
    private const int MaxFailed = 64;

    /// <summary>Who watches.</summary>
    public DmaSanitizer Owner { get; } = owner;

    /// <summary>How often it was said that it may do wrong now.</summary>
    public int Allowed { get; set; }

    /// <summary>Where its driver's mappings lie now; null while that was not looked up.</summary>
    public SpaceWatch? Space { get; set; }

    /// <summary>Maps that failed and that nobody asked about, the oldest first.</summary>
    public List<FailedMap> Failed { get; } = [];

    /// <summary>Its driver, or null. When the driver lets go, the device does not know it any more.</summary>
    public IDriver? DriverItself { get; set; }

    /// <summary>The driver's name, or null.</summary>
    public string? Driver { get; set; }

    /// <summary>Whose last mappings these are: the space as the last driver left it; null while none has let go.</summary>
    public SpaceWatch? Former { get; set; }

    /// <summary>That driver's name, or null.</summary>
    public string? FormerDriver { get; set; }

    /// <summary>The number of the call with which it let go.</summary>
    public long LetGoAt { get; set; }

    /// <summary>Where the device's driver called last.</summary>
    public CallSite LastCall { get; set; }

    public void Fail(FailedMap map)
    {
        if (Failed.Count == MaxFailed)
            Failed.RemoveAt(0);
        Failed.Add(map);
    }

    /// <summary>Forgets one that was asked about; all where nobody knows which.</summary>
    public void Forget(uint serial) => Failed.RemoveAll(map => serial == 0 || map.Serial == serial);
}
