namespace Aperture.Linux.Hosts;

/// <summary>What can be in the way of using a device.</summary>
public enum HostProblemCode
{
    /// <summary>No IOMMU is in front of the device.</summary>
    NoIommu,

    /// <summary>The kernel's no-IOMMU mode: it is off or not there, or nobody asked for it; or it is in use, and nothing confines the
    /// device.</summary>
    NoIommuMode,

    /// <summary>A kernel module is not loaded.</summary>
    ModuleMissing,

    /// <summary>Kernel drivers hold other devices of the group.</summary>
    GroupNotViable,

    /// <summary>The device is a bridge, or its virtual functions are on.</summary>
    NotAnEndpoint,

    /// <summary>Somebody uses the device.</summary>
    InUse,

    /// <summary>Permission to open the group is missing.</summary>
    NoPermission,

    /// <summary>The limit on locked memory is low.</summary>
    MemoryLimit,

    /// <summary>Interrupt messages are not isolated.</summary>
    UnsafeInterrupts,
}
