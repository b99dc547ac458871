namespace Aperture.Acpi.Iort;

/// <summary>An SMMU of version 3.</summary>
public sealed class IortSmmuV3 : IortNode
{
    /// <summary>Its <see cref="IortNode.Type"/>.</summary>
    public const byte Code = 4;

    /// <summary>An empty one.</summary>
    public IortSmmuV3() => Type = Code;

    /// <summary>Where its registers are.</summary>
    public ulong Address { get; set; }

    /// <summary>Bit 0: table walks are coherent; 2:1 whether access and dirty bits are kept; 3 the proximity domain counts; 4 the device
    /// id mapping counts.</summary>
    public uint Flags { get; set; }

    /// <summary>Reserved.</summary>
    public uint Reserved { get; set; }

    /// <summary>Where the registers of address translation operations are; 0 for none.</summary>
    public ulong VatosAddress { get; set; }

    /// <summary>0 generic, 1 HiSilicon Hi161x, 2 Cavium CN99xx.</summary>
    public uint Model { get; set; }

    /// <summary>Interrupt of the event queue; 0 for none.</summary>
    public uint EventInterrupt { get; set; }

    /// <summary>Of page requests.</summary>
    public uint PriInterrupt { get; set; }

    /// <summary>Of global errors.</summary>
    public uint ErrorInterrupt { get; set; }

    /// <summary>Of commands that were waited for.</summary>
    public uint SyncInterrupt { get; set; }

    /// <summary>The proximity domain.</summary>
    public uint ProximityDomain { get; set; }

    /// <summary>Which mapping is for its own message interrupts. Null in the first revision.</summary>
    public uint? DeviceIdMapping { get; set; }

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        Address = fields.U64("Base Address", Address);
        Flags = fields.U32("Flags", Flags);
        Reserved = fields.U32("Reserved", Reserved);
        VatosAddress = fields.U64("VATOS Address", VatosAddress);
        Model = fields.U32("Model", Model);
        EventInterrupt = fields.U32("Event", EventInterrupt);
        PriInterrupt = fields.U32("PRI", PriInterrupt);
        ErrorInterrupt = fields.U32("GERR", ErrorInterrupt);
        SyncInterrupt = fields.U32("Sync", SyncInterrupt);
        ProximityDomain = fields.U32("Proximity domain", ProximityDomain);
        if (fields.Has(DeviceIdMapping is not null, sizeof(uint)) && (Mappings.Count == 0 && MappingOffset == 0
            || fields.UpTo(MappingOffset) >= sizeof(uint)))
            DeviceIdMapping = fields.U32("Device ID mapping index", DeviceIdMapping ?? 0);
    }
}
