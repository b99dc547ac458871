namespace Aperture.Hardware.Omap;

/// <summary>What FAULT_AD of an <see cref="OmapMmu"/> holds after a second fault while IRQSTATUS still shows the first.</summary>
public enum OmapSecondFault
{
    /// <summary>The address of the first.</summary>
    KeepFirst,

    /// <summary>The address of the second.</summary>
    Overwrite,
}
