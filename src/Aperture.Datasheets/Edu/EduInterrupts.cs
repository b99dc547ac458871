namespace Aperture.Datasheets.Edu;

/// <summary>Bits of the interrupt status of the educational device that it sets by itself. Software may raise any others.</summary>
public static class EduInterrupts
{
    /// <summary>[8] A DMA transfer has ended.</summary>
    public const uint Dma = 0x100;
}
