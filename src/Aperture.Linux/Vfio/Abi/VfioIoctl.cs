namespace Aperture.Linux.Vfio.Abi;

/// <summary>Request numbers of VFIO: <c>_IO(';', nr)</c>, 0x3b00 with the number. They carry no size; structures do.</summary>
internal static class VfioIoctl
{
    /// <summary>The version of the interface: 0.</summary>
    public const uint GetApiVersion = 0x3b64;

    /// <summary>Whether an extension is there.</summary>
    public const uint CheckExtension = 0x3b65;

    /// <summary>Chooses the kind of IOMMU.</summary>
    public const uint SetIommu = 0x3b66;

    /// <summary>State of a group.</summary>
    public const uint GroupGetStatus = 0x3b67;

    /// <summary>Puts a group into a container.</summary>
    public const uint GroupSetContainer = 0x3b68;

    /// <summary>Takes it out.</summary>
    public const uint GroupUnsetContainer = 0x3b69;

    /// <summary>Opens a device of the group.</summary>
    public const uint GroupGetDevice = 0x3b6a;

    /// <summary>What a device offers.</summary>
    public const uint DeviceGetInfo = 0x3b6b;

    /// <summary>One of its regions.</summary>
    public const uint DeviceGetRegionInfo = 0x3b6c;

    /// <summary>One of its interrupt indexes.</summary>
    public const uint DeviceGetInterruptInfo = 0x3b6d;

    /// <summary>A request about interrupts.</summary>
    public const uint DeviceSetInterrupts = 0x3b6e;

    /// <summary>Resets the function.</summary>
    public const uint DeviceReset = 0x3b6f;

    /// <summary>What the IOMMU of a container can do.</summary>
    public const uint IommuGetInfo = 0x3b70;

    /// <summary>Makes a mapping.</summary>
    public const uint IommuMap = 0x3b71;

    /// <summary>Removes mappings.</summary>
    public const uint IommuUnmap = 0x3b72;
}
