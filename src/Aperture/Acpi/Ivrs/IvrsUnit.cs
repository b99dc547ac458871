namespace Aperture.Acpi.Ivrs;

/// <summary>An IOMMU (IVHD). One unit may have blocks of several types: software takes the highest that it knows.</summary>
public sealed class IvrsUnit : IvrsNode
{
    /// <summary>The first type.</summary>
    public const byte Basic = 0x10;

    /// <summary>With the extended feature register.</summary>
    public const byte Extended = 0x11;

    /// <summary>With devices of the ACPI name space.</summary>
    public const byte Named = 0x40;

    /// <summary>Where the capability block of the unit is in its PCI configuration space.</summary>
    public ushort CapabilityOffset { get; set; }

    /// <summary>Where its registers are.</summary>
    public ulong Address { get; set; }

    /// <summary>The PCI segment.</summary>
    public ushort Segment { get; set; }

    /// <summary>Number of its message interrupt and its unit id.</summary>
    public ushort Info { get; set; }

    /// <summary>Features; in <see cref="Basic"/> blocks those that the register reports, elsewhere attributes.</summary>
    public uint Features { get; set; }

    /// <summary>The extended feature register; not in <see cref="Basic"/> blocks.</summary>
    public ulong ExtendedFeatures { get; set; }

    /// <summary>The second extended feature register; not in <see cref="Basic"/> blocks.</summary>
    public ulong ExtendedFeatures2 { get; set; }

    /// <summary>The devices that it is for, in their order.</summary>
    public IList<IvrsDeviceEntry> Devices { get; } = [];

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        CapabilityOffset = fields.U16("Capability Offset", CapabilityOffset);
        Address = fields.U64("IOMMU Base Address", Address);
        Segment = fields.U16("PCI Segment Group", Segment);
        Info = fields.U16("IOMMU Info", Info);
        Features = fields.U32("IOMMU Feature Reporting", Features);
        if (Type != Basic)
        {
            ExtendedFeatures = fields.U64("EFR Register Image", ExtendedFeatures);
            ExtendedFeatures2 = fields.U64("EFR Register Image 2", ExtendedFeatures2);
        }

        fields.List("device entry", -1, Devices);
    }
}
