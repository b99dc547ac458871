namespace Aperture.Linux.Hosts;

/// <summary>What kind of IOMMU is in front of a device.</summary>
public enum IommuKind
{
    /// <summary>None.</summary>
    None,

    /// <summary>Intel VT-d (<c>dmar</c>).</summary>
    Intel,

    /// <summary>AMD-Vi (<c>ivhd</c>).</summary>
    Amd,

    /// <summary>virtio-iommu of a virtual machine.</summary>
    Virtio,

    /// <summary>ARM SMMUv3.</summary>
    ArmSmmuV3,

    /// <summary>ARM SMMU, versions 1 and 2.</summary>
    ArmSmmu,

    /// <summary>A kind that has no name here.</summary>
    Other,
}
