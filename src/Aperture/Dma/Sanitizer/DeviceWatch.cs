using System.Runtime.CompilerServices;

namespace Aperture.Dma.Sanitizer;

/// <summary>What is known of a device beyond the stay of one driver.</summary>
/// <param name="owner">Who watches.</param>
internal sealed class DeviceWatch(DmaSanitizer owner)
{
    private const int MaxFailed = 64;
    private const uint FirstBit = 1u << 31;

    private uint _serials; // mappings that were given a number here

    /// <summary>Who watches.</summary>
    public DmaSanitizer Owner { get; } = owner;

    /// <summary>How often it was said that it may do wrong now.</summary>
    public int Allowed
    {
        get;
        set
        {
            field = value;
            Refresh();
        }
    }

    /// <summary>Where its driver's mappings lie now; null while that was not looked up.</summary>
    public SpaceWatch? Space
    {
        get;
        set
        {
            field = value;
            Refresh();
        }
    }

    /// <summary>The device with the driver that it has now; null while that was not looked up.</summary>
    public DeviceStay? Stay
    {
        get;
        set
        {
            field = value;
            Refresh();
        }
    }

    /// <summary>The space whose lock alone guards calls with which all is well; null while somebody has to look closer. Then
    /// <see cref="Stay"/> is there, too.</summary>
    public SpaceWatch? Quick { get; private set; }

    /// <summary>Maps that failed and that nobody asked about, the oldest first.</summary>
    public List<FailedMap> Failed { get; } = [];

    /// <summary>Whose last mappings these are: the space as the last driver left it; null while none has let go.</summary>
    public SpaceWatch? Former { get; set; }

    /// <summary>That driver's name, or null.</summary>
    public string? FormerDriver { get; set; }

    /// <summary>The number of the call with which it let go.</summary>
    public long LetGoAt { get; set; }

    /// <summary>Where the device's driver called last, but for maps and unmaps, which are remembered with their mapping.</summary>
    public CallSite LastCall { get; private set; }

    /// <summary>The number of that call.</summary>
    public long LastCallAt { get; private set; }

    /// <summary>Says where the driver called.</summary>
    public void SetLastCall(string file, int line, long at)
    {
        LastCall = new CallSite(file, line);
        LastCallAt = at;
    }

    /// <summary>A number for a mapping of this device. Numbers that are given elsewhere have another first bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint NextSerial() => ++_serials | FirstBit;

    public void Fail(FailedMap map)
    {
        if (Failed.Count == MaxFailed)
            Failed.RemoveAt(0);
        Failed.Add(map);
    }

    /// <summary>Forgets one that was asked about; all where nobody knows which.</summary>
    public void Forget(uint serial) => Failed.RemoveAll(map => serial == 0 || map.Serial == serial);

    private void Refresh() => Quick = Allowed == 0 && Stay is not null ? Space : null;
}
