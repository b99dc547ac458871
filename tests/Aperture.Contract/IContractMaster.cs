using Aperture.Core;
using Aperture.Iommu;

namespace Aperture.Contract;

/// <summary>A device behind the unit that can be told to read and write. The checks move at most 64 bytes at a time, over the border of two
/// pages at most, at device addresses below 256 MiB unless <see cref="Highest"/> allows more.</summary>
public interface IContractMaster
{
    /// <summary>The group of the device, which has it alone.</summary>
    IommuGroup Group { get; }

    /// <summary>The highest device address that the device can put on its bus.</summary>
    Iova Highest { get; }

    /// <summary>The device reads. What the IOMMU refuses arrives as zeros. A device that is left hanging is brought back to work before
    /// this returns.</summary>
    /// <exception cref="ApertureException">The device failed for another reason than its IOMMU.</exception>
    void Read(Iova address, Span<byte> bytes);

    /// <summary>The device writes. What the IOMMU refuses is lost. A device that is left hanging is brought back to work before this
    /// returns.</summary>
    /// <exception cref="ApertureException">The device failed for another reason than its IOMMU.</exception>
    void Write(Iova address, ReadOnlySpan<byte> bytes);
}
