using Aperture.Datasheets.Pci;
using Aperture.Devices;

namespace Aperture.Drivers.Pci;

/// <summary>PASID, ATS and PRI of a function. PASID does not change while ATS is on (PCI Express 5.0, 10.5.1.3 and 7.8.8.3).</summary>
internal sealed class PciTranslationServices(PciConfiguration configuration) : TranslationServices
{
    /// <inheritdoc/>
    protected override void Apply(in TranslationUse use)
    {
        try
        {
            if (configuration.IsPresent)
                Write(use);
        }
        catch (BusErrorException)
        {
            // It is gone, and has nothing on.
        }
    }

    private void Write(in TranslationUse use)
    {
        var ats = configuration.Find(ExtendedCapabilityId.Ats);
        var pri = configuration.Find(ExtendedCapabilityId.Pri);
        var pasid = configuration.Find(ExtendedCapabilityId.Pasid);
        if (ats != 0)
            configuration.Write16(ats + AtsRegisters.Control, 0);
        if (pri != 0)
            configuration.Write16(pri + PriRegisters.Control, 0);
        if (pasid != 0)
            configuration.Write16(pasid + PasidRegisters.Control, use.Processes ? PasidRegisters.Enable : (ushort)0);
        if (pri != 0 && use.PageRequests > 0)
        {
            var capacity = configuration.Read32(pri + PriRegisters.Capacity);
            configuration.Write32(pri + PriRegisters.Allocation, Math.Min(capacity, (uint)use.PageRequests));
            configuration.Write16(pri + PriRegisters.Control, PriRegisters.Reset);
            configuration.Write16(pri + PriRegisters.Control, PriRegisters.Enable);
        }

        if (ats != 0 && use.Translations)
            configuration.Write16(ats + AtsRegisters.Control, AtsRegisters.Enable);
    }
}
