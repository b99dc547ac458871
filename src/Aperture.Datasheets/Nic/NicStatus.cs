namespace Aperture.Datasheets.Nic;

/// <summary>STATUS of the ring NIC. An engine that stopped does nothing more until RESET.</summary>
/// <remarks><code>
/// 31       8  7     4  3          2      1        0
/// [         ][ error ][descriptor][write][tx stop][rx stop]
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct NicStatus(uint Value)
{
    private const int ErrorShift = 4;

    /// <summary>[0] RX_STOPPED: the receiver stopped.</summary>
    public const uint ReceiverBit = 1 << 0;

    /// <summary>[1] TX_STOPPED: the transmitter stopped.</summary>
    public const uint TransmitterBit = 1 << 1;

    /// <summary>[2] WRITE: the access at FAULT_ADDRESS was a write.</summary>
    public const uint WriteBit = 1 << 2;

    /// <summary>[3] DESCRIPTOR: the access at FAULT_ADDRESS was to a ring.</summary>
    public const uint DescriptorBit = 1 << 3;

    /// <summary>Whether the receiver stopped.</summary>
    public bool ReceiverStopped => (Value & ReceiverBit) != 0;

    /// <summary>Whether the transmitter stopped.</summary>
    public bool TransmitterStopped => (Value & TransmitterBit) != 0;

    /// <summary>Whether the access at FAULT_ADDRESS was a write.</summary>
    public bool IsWrite => (Value & WriteBit) != 0;

    /// <summary>Whether the access at FAULT_ADDRESS was to a ring.</summary>
    public bool IsDescriptor => (Value & DescriptorBit) != 0;

    /// <summary>[7:4] ERROR: why the engine stopped that stopped last.</summary>
    public NicError Error => (NicError)((Value >> ErrorShift) & 0xF);

    /// <summary>The status after one more engine stopped.</summary>
    /// <param name="error">Why.</param>
    /// <param name="bits">Which engine, and what access it was.</param>
    public NicStatus Stop(NicError error, uint bits) => new((Value & (ReceiverBit | TransmitterBit)) | bits | ((uint)error << ErrorShift));
}
