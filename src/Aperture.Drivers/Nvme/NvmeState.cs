namespace Aperture.Drivers.Nvme;

/// <summary>What an NVMe controller's driver is at.</summary>
public enum NvmeState
{
    /// <summary>It is being brought up for the first time.</summary>
    Starting,

    /// <summary>Requests are done.</summary>
    Live,

    /// <summary>The controller is being reset; requests wait.</summary>
    Resetting,

    /// <summary>The system sleeps; requests wait.</summary>
    Suspended,

    /// <summary>The controller is gone or cannot be brought back; requests fail.</summary>
    Failed,

    /// <summary>The driver has let go of it; requests fail.</summary>
    Removed,
}
