using System.Runtime.InteropServices;

namespace Aperture.Linux.Vfio.Abi;

/// <summary>One interrupt index of a device (<c>vfio_irq_info</c>). 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioInterruptInfo
{
    /// <summary>Size of the caller's buffer; on the way back the size that all of the answer needs.</summary>
    public uint ArgumentSize;

    /// <summary>What can be done with it.</summary>
    public VfioInterruptFlags Flags;

    /// <summary>Which index; set by the caller.</summary>
    public uint Index;

    /// <summary>Number of interrupts.</summary>
    public uint Count;
}
