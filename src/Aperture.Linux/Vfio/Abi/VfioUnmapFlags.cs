namespace Aperture.Linux.Vfio.Abi;

/// <summary>What to remove.</summary>
[Flags]
internal enum VfioUnmapFlags : uint
{
    /// <summary>A range.</summary>
    None = 0,

    /// <summary>Everything.</summary>
    All = 2,
}
