namespace Aperture.Devices;

/// <summary>What software lets a device do with translations: which of its bus's services are on (PASID, ATS and PRI of PCI Express). The
/// driver of the unit in front of the device says so.</summary>
/// <param name="Processes">Whether its accesses may name processes.</param>
/// <param name="Translations">Whether it may keep translations of its own.</param>
/// <param name="PageRequests">How many requests for pages it may have outstanding; 0 for none.</param>
public readonly record struct TranslationUse(bool Processes, bool Translations, int PageRequests);

/// <summary>The switches of a device for <see cref="TranslationUse"/>. Set by whoever made the device.</summary>
public abstract class TranslationServices
{
    private readonly Lock _lock = new();

    /// <summary>What is on.</summary>
    public TranslationUse Use { get; private set; }

    /// <summary>Switches services on and off. A device that has gone has none; nothing is thrown.</summary>
    /// <param name="use">What is to be on. What the device does not have stays off.</param>
    public void Set(in TranslationUse use)
    {
        lock (_lock)
        {
            if (use == Use)
                return;
            Use = use;
            Apply(use);
        }
    }

    /// <summary>The device was reset, and has forgotten: the same is on again.</summary>
    public void Restore()
    {
        lock (_lock)
            Apply(Use);
    }

    /// <summary>Has the device do as it is told, whatever was before. Throws nothing and calls nobody.</summary>
    protected abstract void Apply(in TranslationUse use);
}
