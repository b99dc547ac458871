namespace Aperture.Datasheets.Pci;

/// <summary>The status register. Source: PCI Local Bus Specification 3.0, 6.2.3.</summary>
[Flags]
public enum PciStatus : ushort
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>[3] The function wants an INTx interrupt, whether it may or not; read-only.</summary>
    Interrupt = 1 << 3,

    /// <summary>[4] There are capabilities; read-only.</summary>
    HasCapabilities = 1 << 4,

    /// <summary>[8] A write of the function was poisoned; cleared by a one.</summary>
    MasterDataParity = 1 << 8,

    /// <summary>[11] The function aborted an access to it; cleared by a one.</summary>
    SignaledTargetAbort = 1 << 11,

    /// <summary>[12] An access of the function was aborted; cleared by a one.</summary>
    ReceivedTargetAbort = 1 << 12,

    /// <summary>[13] Nobody took an access of the function; cleared by a one.</summary>
    ReceivedMasterAbort = 1 << 13,

    /// <summary>[14] The function reported a system error; cleared by a one.</summary>
    SignaledSystemError = 1 << 14,

    /// <summary>[15] The function saw poisoned data; cleared by a one.</summary>
    DetectedParity = 1 << 15,

    /// <summary>All that is cleared by a one.</summary>
    Errors = MasterDataParity | SignaledTargetAbort | ReceivedTargetAbort | ReceivedMasterAbort | SignaledSystemError | DetectedParity,
}
