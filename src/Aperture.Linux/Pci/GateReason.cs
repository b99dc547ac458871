namespace Aperture.Linux.Pci;

/// <summary>Why the registers of a PCI function do not answer.</summary>
[Flags]
internal enum GateReason
{
    /// <summary>They do.</summary>
    None = 0,

    /// <summary>The command register says that accesses to memory are not decoded.</summary>
    NoMemorySpace = 1,

    /// <summary>The function is in D1, D2 or D3.</summary>
    LowPower = 2,

    /// <summary>The device was closed.</summary>
    Disposed = 4,

    /// <summary>The kernel wanted it back.</summary>
    Removed = 8,

    /// <summary>The bus reported an error of the device's.</summary>
    Failed = 16,

    /// <summary>What never ends.</summary>
    ForGood = Disposed | Removed | Failed,
}
