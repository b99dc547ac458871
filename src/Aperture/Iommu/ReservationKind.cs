namespace Aperture.Iommu;

/// <summary>Why device addresses are not to be given out.</summary>
public enum ReservationKind
{
    /// <summary>They lead nowhere and nothing may be mapped there.</summary>
    Reserved,

    /// <summary>The device uses them already, for memory at the same physical addresses: that must be mapped before its accesses are
    /// translated, and for as long as they are.</summary>
    Direct,

    /// <summary>As <see cref="Direct"/>, but whoever takes the device over from its firmware may end it: an owner of the group.</summary>
    DirectRelaxable,

    /// <summary>Writes there are message-signalled interrupts and are not translated.</summary>
    Msi,

    /// <summary>Where software puts the doorbells of message-signalled interrupts, for units that translate them. Nothing is there by
    /// itself: an owner of the group keeps it free, and the DMA API places doorbells as it likes.</summary>
    SoftwareMsi,
}
