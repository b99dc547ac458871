namespace Aperture.Linux.Vfio.Abi;

/// <summary>Which fields of <see cref="VfioIommuInfo"/> are valid.</summary>
[Flags]
internal enum VfioIommuFlags : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>The page sizes.</summary>
    PageSizes = 1,

    /// <summary>Capabilities follow.</summary>
    Capabilities = 2,
}
