namespace Aperture.Datasheets.Rockchip;

/// <summary>Bits of INT_RAWSTAT, INT_CLEAR, INT_MASK and INT_STATUS of a Rockchip MMU.</summary>
[Flags]
public enum RockchipMmuInterrupts : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>[0] PAGE_FAULT: nothing is mapped, or not for such an access.</summary>
    PageFault = 1 << 0,

    /// <summary>[1] READ_BUS_ERROR: a table could not be read.</summary>
    BusError = 1 << 1,

    /// <summary>Both.</summary>
    All = PageFault | BusError,
}
