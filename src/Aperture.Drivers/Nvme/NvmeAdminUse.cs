namespace Aperture.Drivers.Nvme;

/// <summary>What an admin command is for.</summary>
internal enum NvmeAdminUse
{
    /// <summary>Somebody waits for it.</summary>
    Call,

    /// <summary>It aborts another.</summary>
    Abort,

    /// <summary>It waits for an event.</summary>
    Event,

    /// <summary>It reads the log page of an event.</summary>
    Log,
}
