namespace Aperture.Linux.Vfio.Abi;

/// <summary>What can be done with an interrupt index.</summary>
[Flags]
internal enum VfioInterruptFlags : uint
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Interrupts are signalled by event files.</summary>
    Event = 1,

    /// <summary>They can be masked.</summary>
    Maskable = 2,

    /// <summary>One that was signalled stays masked until it is unmasked.</summary>
    AutoMasked = 4,

    /// <summary>The number in use cannot be changed but by switching all off.</summary>
    NoResize = 8,
}
