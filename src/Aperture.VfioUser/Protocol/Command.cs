namespace Aperture.VfioUser.Protocol;

/// <summary>Commands of the protocol, version 0.x. Source: the protocol as QEMU 11.1 speaks it, recorded.</summary>
internal enum Command : ushort
{
    /// <summary>Agrees on version and capabilities; the first message.</summary>
    Version = 1,

    /// <summary>Memory of the client becomes reachable.</summary>
    DmaMap = 2,

    /// <summary>It does not any more.</summary>
    DmaUnmap = 3,

    /// <summary>How many regions and interrupts there are.</summary>
    GetInfo = 4,

    /// <summary>One region.</summary>
    GetRegionInfo = 5,

    /// <summary>Files by which a region could be accessed; there are none.</summary>
    GetRegionFiles = 6,

    /// <summary>One kind of interrupt.</summary>
    GetInterruptInfo = 7,

    /// <summary>Event files, masks.</summary>
    SetInterrupts = 8,

    /// <summary>Reads registers.</summary>
    RegionRead = 9,

    /// <summary>Writes registers.</summary>
    RegionWrite = 10,

    /// <summary>The server reads the client's memory.</summary>
    DmaRead = 11,

    /// <summary>The server writes the client's memory.</summary>
    DmaWrite = 12,

    /// <summary>Resets the device.</summary>
    Reset = 13,

    /// <summary>Pages that the device wrote; belongs to migration.</summary>
    DirtyPages = 14,

    /// <summary>Several register writes at once.</summary>
    RegionWriteMulti = 15,

    /// <summary>Device features; belongs to migration.</summary>
    Feature = 16,
}
