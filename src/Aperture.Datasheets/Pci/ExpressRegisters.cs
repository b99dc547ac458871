namespace Aperture.Datasheets.Pci;

/// <summary>Registers of the PCI Express capability, from its first byte, and those of their bits that are used. Source: PCI Express Base
/// Specification, 7.5.3.</summary>
public static class ExpressRegisters
{
    /// <summary>Bytes, as far as they are used: up to link control 2.</summary>
    public const int Length = 0x3C;

    /// <summary>Capabilities, 16 bits: the version in bits 3..0, the kind of function (<see cref="ExpressPort"/>) in bits 7..4.</summary>
    public const uint Capabilities = 0x02;

    /// <summary>The version of the layout here.</summary>
    public const ushort Version = 2;

    /// <summary>[8] of <see cref="Capabilities"/>: the port leads to a slot.</summary>
    public const ushort HasSlot = 1 << 8;

    /// <summary>Device capabilities, 32 bits.</summary>
    public const uint DeviceCapabilities = 0x04;

    /// <summary>[15] of <see cref="DeviceCapabilities"/>: role-based error reporting; every function has it.</summary>
    public const uint RoleBasedErrors = 1 << 15;

    /// <summary>[28] of <see cref="DeviceCapabilities"/>: the function can be reset by itself.</summary>
    public const uint CanReset = 1 << 28;

    /// <summary>Device control, 16 bits.</summary>
    public const uint DeviceControl = 0x08;

    /// <summary>[15] of <see cref="DeviceControl"/>: a one resets the function, where it can be; reads as zero. Of a bridge to PCI it is
    /// something else.</summary>
    public const ushort InitiateReset = 1 << 15;

    /// <summary>Device status, 16 bits.</summary>
    public const uint DeviceStatus = 0x0A;

    /// <summary>[5] of <see cref="DeviceStatus"/>: accesses of the function are not complete yet; read-only.</summary>
    public const ushort TransactionsPending = 1 << 5;

    /// <summary>Link capabilities, 32 bits.</summary>
    public const uint LinkCapabilities = 0x0C;

    /// <summary>[20] of <see cref="LinkCapabilities"/>: the port tells whether its link is up.</summary>
    public const uint ReportsLink = 1 << 20;

    /// <summary>Link status, 16 bits.</summary>
    public const uint LinkStatus = 0x12;

    /// <summary>[13] of <see cref="LinkStatus"/>: the link is up; read-only.</summary>
    public const ushort LinkActive = 1 << 13;

    /// <summary>Slot capabilities, 32 bits.</summary>
    public const uint SlotCapabilities = 0x14;

    /// <summary>[5] of <see cref="SlotCapabilities"/>: what is in the slot may go without notice.</summary>
    public const uint HotPlugSurprise = 1 << 5;

    /// <summary>[6] of <see cref="SlotCapabilities"/>: what is in the slot may be exchanged.</summary>
    public const uint HotPlugCapable = 1 << 6;

    /// <summary>Slot control, 16 bits.</summary>
    public const uint SlotControl = 0x18;

    /// <summary>[3] of <see cref="SlotControl"/>: a change of presence is an event.</summary>
    public const ushort PresenceChangeEnable = 1 << 3;

    /// <summary>[5] of <see cref="SlotControl"/>: events raise the port's interrupt.</summary>
    public const ushort HotPlugInterrupt = 1 << 5;

    /// <summary>Slot status, 16 bits.</summary>
    public const uint SlotStatus = 0x1A;

    /// <summary>[3] of <see cref="SlotStatus"/>: presence changed; cleared by a one.</summary>
    public const ushort PresenceChanged = 1 << 3;

    /// <summary>[6] of <see cref="SlotStatus"/>: something is in the slot; read-only.</summary>
    public const ushort Present = 1 << 6;

    /// <summary>Device capabilities 2, 32 bits.</summary>
    public const uint DeviceCapabilities2 = 0x24;

    /// <summary>[5] of <see cref="DeviceCapabilities2"/>: the port can pass on what has no device number but 8 bits of function.</summary>
    public const uint CanForwardAri = 1 << 5;

    /// <summary>Device control 2, 16 bits.</summary>
    public const uint DeviceControl2 = 0x28;

    /// <summary>[5] of <see cref="DeviceControl2"/>: it does.</summary>
    public const ushort ForwardAri = 1 << 5;

    /// <summary>The kind of function in <see cref="Capabilities"/>.</summary>
    public static ExpressPort PortOf(ushort capabilities) => (ExpressPort)(capabilities >> 4 & 0xF);
}

/// <summary>What a function is on PCI Express. Source: PCI Express Base Specification, 7.5.3.2.</summary>
public enum ExpressPort
{
    /// <summary>A device.</summary>
    Endpoint = 0,

    /// <summary>A device with I/O space.</summary>
    LegacyEndpoint = 1,

    /// <summary>A port of the root complex.</summary>
    RootPort = 4,

    /// <summary>A switch's port towards the root.</summary>
    UpstreamPort = 5,

    /// <summary>A switch's port away from the root.</summary>
    DownstreamPort = 6,

    /// <summary>A bridge from PCI Express to conventional PCI.</summary>
    ExpressToPci = 7,

    /// <summary>A bridge from conventional PCI to PCI Express.</summary>
    PciToExpress = 8,

    /// <summary>A device in the root complex.</summary>
    IntegratedEndpoint = 9,

    /// <summary>A collector of events in the root complex.</summary>
    EventCollector = 10,
}
