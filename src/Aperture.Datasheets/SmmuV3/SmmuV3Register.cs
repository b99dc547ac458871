namespace Aperture.Datasheets.SmmuV3;

/// <summary>Byte offsets of the registers of an Arm SMMUv3, from the start of its first page of 64 KiB. Source: IHI 0070,
/// chapter 6.</summary>
public static class SmmuV3Register
{
    /// <summary>Bytes of both register pages.</summary>
    public const uint WindowSize = 0x2_0000;

    /// <summary>Where the second page begins, in which producer and consumer of event and PRI queue lie.</summary>
    public const uint Page1 = 0x1_0000;

    /// <summary>SMMU_IDR0, read only: <see cref="SmmuV3Features"/>.</summary>
    public const uint Idr0 = 0x00;

    /// <summary>SMMU_IDR1, read only: <see cref="SmmuV3Sizes"/>.</summary>
    public const uint Idr1 = 0x04;

    /// <summary>SMMU_IDR2, read only.</summary>
    public const uint Idr2 = 0x08;

    /// <summary>SMMU_IDR3, read only: bit 10 says that there are range invalidations.</summary>
    public const uint Idr3 = 0x0C;

    /// <summary>SMMU_IDR4, read only, implementation defined.</summary>
    public const uint Idr4 = 0x10;

    /// <summary>SMMU_IDR5, read only: <see cref="SmmuV3AddressSizes"/>.</summary>
    public const uint Idr5 = 0x14;

    /// <summary>SMMU_IIDR, read only: implementer in 11:0, revision 15:12, variant 19:16, product 31:20.</summary>
    public const uint Iidr = 0x18;

    /// <summary>SMMU_AIDR, read only: major version in 7:4 (0 is SMMUv3), minor in 3:0.</summary>
    public const uint Aidr = 0x1C;

    /// <summary>SMMU_CR0: <see cref="SmmuV3Control"/>.</summary>
    public const uint Cr0 = 0x20;

    /// <summary>SMMU_CR0ACK, read only: what of <see cref="Cr0"/> is in force.</summary>
    public const uint Cr0Ack = 0x24;

    /// <summary>SMMU_CR1: attributes of accesses to tables and queues.</summary>
    public const uint Cr1 = 0x28;

    /// <summary>SMMU_CR2: bit 0 E2H, 1 RECINVSID, 2 PTM.</summary>
    public const uint Cr2 = 0x2C;

    /// <summary>SMMU_STATUSR, read only.</summary>
    public const uint Status = 0x40;

    /// <summary>SMMU_GBPA: what happens to accesses while translation is off. Bit 20 aborts them; bit 31 is written with a change and
    /// clears when it is in force.</summary>
    public const uint GlobalBypass = 0x44;

    /// <summary>SMMU_IRQ_CTRL: <see cref="SmmuV3Interrupts"/>.</summary>
    public const uint InterruptControl = 0x50;

    /// <summary>SMMU_IRQ_CTRLACK, read only: what of <see cref="InterruptControl"/> is in force.</summary>
    public const uint InterruptControlAck = 0x54;

    /// <summary>SMMU_GERROR, read only: <see cref="SmmuV3GlobalErrors"/>; an error is active where it differs from
    /// <see cref="GlobalErrorAck"/>.</summary>
    public const uint GlobalError = 0x60;

    /// <summary>SMMU_GERRORN: software writes the bits of <see cref="GlobalError"/> that it has seen.</summary>
    public const uint GlobalErrorAck = 0x64;

    /// <summary>SMMU_GERROR_IRQ_CFG0, 64 bits: where the message goes (51:2); 0 for the wire.</summary>
    public const uint GlobalErrorMessage = 0x68;

    /// <summary>SMMU_STRTAB_BASE, 64 bits: the stream table (51:6).</summary>
    public const uint StreamTableBase = 0x80;

    /// <summary>SMMU_STRTAB_BASE_CFG: <see cref="SmmuV3StreamTableConfig"/>.</summary>
    public const uint StreamTableConfig = 0x88;

    /// <summary>SMMU_CMDQ_BASE, 64 bits: <see cref="SmmuV3QueueBase"/>.</summary>
    public const uint CommandQueueBase = 0x90;

    /// <summary>SMMU_CMDQ_PROD.</summary>
    public const uint CommandQueueProducer = 0x98;

    /// <summary>SMMU_CMDQ_CONS: index in the low bits, <see cref="SmmuV3CommandError"/> in 30:24.</summary>
    public const uint CommandQueueConsumer = 0x9C;

    /// <summary>SMMU_EVENTQ_BASE, 64 bits: <see cref="SmmuV3QueueBase"/>.</summary>
    public const uint EventQueueBase = 0xA0;

    /// <summary>SMMU_EVENTQ_IRQ_CFG0, 64 bits: where the message goes; 0 for the wire.</summary>
    public const uint EventQueueMessage = 0xB0;

    /// <summary>SMMU_PRIQ_BASE, 64 bits: <see cref="SmmuV3QueueBase"/>.</summary>
    public const uint PageRequestQueueBase = 0xC0;

    /// <summary>SMMU_PRIQ_IRQ_CFG0, 64 bits: where the message goes; 0 for the wire.</summary>
    public const uint PageRequestQueueMessage = 0xD0;

    /// <summary>From an _IRQ_CFG0 to its _IRQ_CFG1: the data of the message.</summary>
    public const uint MessageData = 8;

    /// <summary>From an _IRQ_CFG0 to its _IRQ_CFG2: the attributes of the message.</summary>
    public const uint MessageAttributes = 12;

    /// <summary>SMMU_EVENTQ_PROD, in the second page: bit 31 toggles when events were lost.</summary>
    public const uint EventQueueProducer = Page1 + 0xA8;

    /// <summary>SMMU_EVENTQ_CONS, in the second page: bit 31 says which loss software has seen.</summary>
    public const uint EventQueueConsumer = Page1 + 0xAC;

    /// <summary>SMMU_PRIQ_PROD, in the second page.</summary>
    public const uint PageRequestQueueProducer = Page1 + 0xC8;

    /// <summary>SMMU_PRIQ_CONS, in the second page.</summary>
    public const uint PageRequestQueueConsumer = Page1 + 0xCC;

    /// <summary>SMMU_CR2.RECINVSID: accesses of streams that the table does not have are recorded.</summary>
    public const uint RecordInvalidStreams = 1 << 1;

    /// <summary>SMMU_CR2.PTM: the unit takes no part in TLB maintenance that processors broadcast.</summary>
    public const uint PrivateTlbMaintenance = 1 << 2;

    /// <summary>SMMU_CR2.E2H: the hypervisor's regime has address space numbers.</summary>
    public const uint HypervisorHost = 1 << 0;

    /// <summary>SMMU_GBPA.ABORT.</summary>
    public const uint GlobalBypassAbort = 1 << 20;

    /// <summary>SMMU_GBPA.UPDATE.</summary>
    public const uint GlobalBypassUpdate = 1u << 31;

    /// <summary>SMMU_IDR3.RIL: range invalidations.</summary>
    public const uint RangeInvalidation = 1 << 10;
}
