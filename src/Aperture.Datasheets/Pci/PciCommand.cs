namespace Aperture.Datasheets.Pci;

/// <summary>The command register. Source: PCI Local Bus Specification 3.0, 6.2.2; PCI Express Base Specification, 7.5.1.1.3.</summary>
[Flags]
public enum PciCommand : ushort
{
    /// <summary>The function is off the bus but for its configuration space.</summary>
    None = 0,

    /// <summary>[0] It answers in I/O space.</summary>
    IoSpace = 1 << 0,

    /// <summary>[1] It answers in memory space; a bridge passes on what lies in its windows.</summary>
    MemorySpace = 1 << 1,

    /// <summary>[2] It may access memory, and so send messages; a bridge passes on what comes from below.</summary>
    BusMaster = 1 << 2,

    /// <summary>[6] It reports parity errors.</summary>
    ParityErrors = 1 << 6,

    /// <summary>[8] It reports system errors.</summary>
    SystemErrors = 1 << 8,

    /// <summary>[10] It does not drive its INTx line.</summary>
    InterruptDisable = 1 << 10,
}
