namespace Aperture.Linux.Vfio.Abi;

/// <summary>State of a group.</summary>
[Flags]
internal enum VfioGroupFlags : uint
{
    /// <summary>Neither.</summary>
    None = 0,

    /// <summary>All of its devices are free or in the hands of VFIO.</summary>
    Viable = 1,

    /// <summary>It is in a container.</summary>
    ContainerSet = 2,
}
