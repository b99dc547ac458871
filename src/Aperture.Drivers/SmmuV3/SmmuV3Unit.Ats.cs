using Aperture.Devices;

namespace Aperture.Drivers.SmmuV3;

/// <summary>Devices with translations of their own. They have them only while their entries say that they may: the entry allows it first,
/// then the device is switched on; the device is switched off first, then the entry forbids it.</summary>
public sealed partial class SmmuV3Unit
{
    /// <summary>Page requests of a device at once: a few devices that ask for all of theirs do not fill the queue.</summary>
    private int MostPageRequests => _requests is null ? 0 : Math.Max(1, _requests.Capacity / 4);

    /// <summary>Whether what a master's entry leads to are translations, which it may keep.</summary>
    private bool MayTranslate(SmmuV3Master master) => master.HasAts
        && (master.Domain is SmmuV3NestedDomain nested ? nested.Entry.Ats != 0 && !nested.Aborts
            : master.Table is not null || ContextOf(master.Domain) is not null);

    /// <summary>Switches a master's services on, once its entry allows it, or off, before the entry forbids it.</summary>
    private void SetServices(SmmuV3Master master, bool isOn)
    {
        master.IsAtsOn = isOn;
        var processes = _identity.SubstreamBits > 0 && master.Device.Description.Identity.PasidBits > 0;
        var requests = isOn ? Math.Min(MostPageRequests, master.Device.Description.Identity.PageRequests) : 0;
        master.Device.Translations?.Set(new TranslationUse(processes, isOn, requests));
    }

    /// <summary>Devices do not answer any more, or some of them: none keeps translations from here on.</summary>
    private void GiveUpAts()
    {
        _devicesWithAts = 0;
        foreach (var master in _masters)
        {
            if (!master.HasAts)
                continue;
            master.HasAts = false;
            SetServices(master, isOn: false);
        }
    }
}
