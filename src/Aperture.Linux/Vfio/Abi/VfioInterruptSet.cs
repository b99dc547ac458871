using System.Runtime.InteropServices;

namespace Aperture.Linux.Vfio.Abi;

/// <summary>Head of a request about interrupts (<c>vfio_irq_set</c>); data follow. 20 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioInterruptSet
{
    /// <summary>Size of the caller's buffer; on the way back the size that all of the answer needs.</summary>
    public uint ArgumentSize;

    /// <summary>What the data are and what to do.</summary>
    public VfioInterruptSetFlags Flags;

    /// <summary>Which index.</summary>
    public uint Index;

    /// <summary>The first interrupt.</summary>
    public uint Start;

    /// <summary>Number of interrupts.</summary>
    public uint Count;
}
