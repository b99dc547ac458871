namespace Aperture.Datasheets.Rockchip;

/// <summary>STATUS of a Rockchip MMU.</summary>
/// <remarks><code>
/// 31    11 10    6    5      4       3     2       1       0
/// [       ][bus id][write][replay][idle][stall][fault][paging]
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct RockchipMmuStatus(uint Value)
{
    /// <summary>[0] PAGING_ENABLED.</summary>
    public const uint PagingBit = 1 << 0;

    /// <summary>[1] PAGE_FAULT_ACTIVE: an access waits for <see cref="RockchipMmuCommand.PageFaultDone"/>.</summary>
    public const uint FaultBit = 1 << 1;

    /// <summary>[2] STALL_ACTIVE: accesses are held back.</summary>
    public const uint StallBit = 1 << 2;

    /// <summary>[3] IDLE.</summary>
    public const uint IdleBit = 1 << 3;

    /// <summary>[4] REPLAY_BUFFER_EMPTY.</summary>
    public const uint ReplayEmptyBit = 1 << 4;

    /// <summary>[5] PAGE_FAULT_IS_WRITE.</summary>
    public const uint WriteBit = 1 << 5;

    private const int BusIdShift = 6;
    private const uint BusIdMask = 0x1F;

    /// <summary>The bits that tell of a fault.</summary>
    public const uint FaultMask = FaultBit | WriteBit | (BusIdMask << BusIdShift);

    /// <summary>After a reset: idle, nothing to replay.</summary>
    public static RockchipMmuStatus AfterReset => new(IdleBit | ReplayEmptyBit);

    /// <summary>Whether addresses are translated.</summary>
    public bool IsPaging => (Value & PagingBit) != 0;

    /// <summary>Whether an access that faulted waits.</summary>
    public bool IsFaulting => (Value & FaultBit) != 0;

    /// <summary>Whether accesses are held back.</summary>
    public bool IsStalled => (Value & StallBit) != 0;

    /// <summary>Whether the access that faulted writes.</summary>
    public bool IsWrite => (Value & WriteBit) != 0;

    /// <summary>[10:6] PAGE_FAULT_BUS_ID: which bus master made the access that faulted. What the numbers mean is unknown.</summary>
    public int BusId => (int)(Value >> BusIdShift & BusIdMask);

    /// <summary>The bits of a fault.</summary>
    /// <param name="isWrite">Whether the access writes.</param>
    /// <param name="busId">The bus master.</param>
    public static uint Fault(bool isWrite, uint busId) => FaultBit | (isWrite ? WriteBit : 0) | ((busId & BusIdMask) << BusIdShift);
}
