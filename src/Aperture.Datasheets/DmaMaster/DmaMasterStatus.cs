namespace Aperture.Datasheets.DmaMaster;

/// <summary>STATUS of the generic DMA master.</summary>
/// <remarks><code>
/// 31        10  9      8      7     4  3  2      1        0
/// [          ][list][write][ error ][ ][done][stalled][busy]
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct DmaMasterStatus(uint Value)
{
    private const int ErrorShift = 4;

    /// <summary>[0] BUSY: a command is going on.</summary>
    public const uint BusyBit = 1 << 0;

    /// <summary>[1] STALLED: a command waits for RESUME or ABORT.</summary>
    public const uint StalledBit = 1 << 1;

    /// <summary>[2] DONE: the last command has ended, well or not.</summary>
    public const uint DoneBit = 1 << 2;

    /// <summary>[8] WRITE: the access at FAULT_ADDRESS was a write.</summary>
    public const uint WriteBit = 1 << 8;

    /// <summary>[9] LIST: the access at FAULT_ADDRESS was the fetch of a descriptor.</summary>
    public const uint ListBit = 1 << 9;

    /// <summary>Whether a command is going on.</summary>
    public bool IsBusy => (Value & BusyBit) != 0;

    /// <summary>Whether a command waits for RESUME or ABORT.</summary>
    public bool IsStalled => (Value & StalledBit) != 0;

    /// <summary>Whether the last command has ended.</summary>
    public bool IsDone => (Value & DoneBit) != 0;

    /// <summary>[7:4] ERROR: how it failed.</summary>
    public DmaMasterError Error => (DmaMasterError)((Value >> ErrorShift) & 0xF);

    /// <summary>Whether the access at FAULT_ADDRESS was a write.</summary>
    public bool IsWrite => (Value & WriteBit) != 0;

    /// <summary>Whether the access at FAULT_ADDRESS was the fetch of a descriptor.</summary>
    public bool IsList => (Value & ListBit) != 0;

    /// <summary>The status of a command that has ended.</summary>
    /// <param name="error">How it failed, if it did.</param>
    /// <param name="access"><see cref="WriteBit"/> and <see cref="ListBit"/> of the access that failed.</param>
    public static DmaMasterStatus Done(DmaMasterError error, uint access) => new(DoneBit | ((uint)error << ErrorShift) | access);
}
