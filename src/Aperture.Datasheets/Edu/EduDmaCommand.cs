namespace Aperture.Datasheets.Edu;

/// <summary>Bits of the DMA command register of the educational device.</summary>
[Flags]
public enum EduDmaCommand : uint
{
    /// <summary>Nothing to do; from memory to the device.</summary>
    None = 0,

    /// <summary>[0] Start; reads as set until the transfer has ended.</summary>
    Start = 1 << 0,

    /// <summary>[1] From the device's buffer to memory, instead of the other way.</summary>
    ToMemory = 1 << 1,

    /// <summary>[2] Raise <see cref="EduInterrupts.Dma"/> when the transfer has ended.</summary>
    InterruptOnEnd = 1 << 2,
}
