namespace Aperture.Linux.Vfio.Abi;

/// <summary>What can be done with a region.</summary>
[Flags]
internal enum VfioRegionFlags : uint
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>It can be read.</summary>
    Read = 1,

    /// <summary>It can be written.</summary>
    Write = 2,

    /// <summary>It can be mapped.</summary>
    Map = 4,

    /// <summary>Capabilities follow.</summary>
    Capabilities = 8,
}
