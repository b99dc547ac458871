namespace Aperture.Foreign.Tests.Bench;

/// <summary>What stands between a device and memory. <see cref="OnAttribute"/> says on which of them a driver makes sense.</summary>
[Flags]
public enum Ways
{
    Direct = 1,
    DirectSnooping = 2,
    Iommu = 4,
    IommuSnooping = 8,
    Deferred = 16,
    Bounce = 32,         // forced
    BounceSnooping = 64, // forced, the device snoops
    HighMemory = 128,    // streaming memory lies above the device's 32 bits
    Restricted = 256,    // restricted-dma-pool
    Untrusted = 512,     // iommu+bounce: pages that hold other bytes are copied
    Confidential = 1024, // iommu+bounce: everything is copied

    Chosen = Iommu | IommuSnooping | Deferred,             // device addresses come from a table and nothing is copied
    BehindUnit = Chosen | Untrusted | Confidential,
    Uncopied = Direct | DirectSnooping | Chosen,
    Snooping = DirectSnooping | IommuSnooping | BounceSnooping,
    Copied = Bounce | BounceSnooping | HighMemory | Restricted | Confidential, // each mapping is
    All = 2047,
}

/// <summary>On which ways a driver makes sense; all without it.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class OnAttribute(Ways ways) : Attribute
{
    public Ways Ways { get; } = ways;
}
