namespace Aperture.Linux.Vfio.Abi;

/// <summary>Rights of a mapping.</summary>
[Flags]
internal enum VfioMapFlags : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>The device may read.</summary>
    Read = 1,

    /// <summary>The device may write.</summary>
    Write = 2,
}
