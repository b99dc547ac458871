namespace Aperture.Linux.Vfio.Abi;

/// <summary>What a request about interrupts says.</summary>
[Flags]
internal enum VfioInterruptSetFlags : uint
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>No data.</summary>
    DataNone = 1,

    /// <summary>One byte for each.</summary>
    DataBool = 2,

    /// <summary>One event file for each; -1 removes it.</summary>
    DataEvent = 4,

    /// <summary>Mask.</summary>
    Mask = 8,

    /// <summary>Unmask.</summary>
    Unmask = 0x10,

    /// <summary>Set the trigger, or fire.</summary>
    Trigger = 0x20,
}
