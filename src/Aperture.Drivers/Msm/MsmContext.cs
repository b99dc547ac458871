using Aperture.Iommu;

namespace Aperture.Drivers.Msm;

/// <summary>A context bank as software sees it.</summary>
/// <param name="number">The bank's number, which is its ASID too.</param>
internal sealed class MsmContext(int number)
{
    public int Number => number;

    /// <summary>The domain that the bank is for; null while nobody uses it.</summary>
    public IommuDomain? Domain { get; set; }

    /// <summary>Whether the registers are set up for that domain.</summary>
    public bool IsCurrent { get; set; }

    /// <summary>Whether the registers are set up for translation.</summary>
    public bool IsRunning { get; set; }

    /// <summary>Whether a fault that nobody mended stalls an access, and the bank with it.</summary>
    public bool IsStalled { get; set; }
}
