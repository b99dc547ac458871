using Aperture.Iommu;

namespace Aperture.Drivers.Msm;

/// <summary>A context bank as software sees it: which domain it is for, and how many masters use it.</summary>
/// <param name="number">The bank's number, which is its ASID too.</param>
internal sealed class MsmContext(int number)
{
    public int Number => number;

    /// <summary>The domain in force; null while nobody uses the bank.</summary>
    public IommuDomain? Domain { get; set; }

    /// <summary>Masters whose accesses lead here.</summary>
    public int Users { get; set; }

    /// <summary>Whether the registers are set up for translation.</summary>
    public bool IsRunning { get; set; }

    /// <summary>Whether a fault that nobody mended holds an access back, and the bank with it.</summary>
    public bool IsHeldBack { get; set; }
}
