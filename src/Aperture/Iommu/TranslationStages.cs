namespace Aperture.Iommu;

/// <summary>The two steps in which an address may be translated.</summary>
[Flags]
public enum TranslationStages
{
    /// <summary>None, or whichever the unit has.</summary>
    None = 0,

    /// <summary>The first: for a process or a guest.</summary>
    First = 1,

    /// <summary>The second: for a whole device, or below a guest.</summary>
    Second = 2,
}
