namespace Aperture.Datasheets.Arm;

/// <summary>How normal memory is cached, as NMRR, TTBR and TEX encode it.</summary>
public enum ArmCachePolicy
{
    /// <summary>Not cached.</summary>
    None = 0,

    /// <summary>Written back; writes allocate.</summary>
    WriteBackWriteAllocate = 1,

    /// <summary>Written through.</summary>
    WriteThrough = 2,

    /// <summary>Written back; writes do not allocate.</summary>
    WriteBack = 3,
}
