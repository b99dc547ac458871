namespace Aperture.Datasheets.Edu;

/// <summary>Byte offsets of the registers of the educational PCI device that virtual machines have (its public specification,
/// "EDU device", region 0). Those below <see cref="DmaSource"/> take accesses of 32 bits only, the others of 32 or 64.</summary>
public static class EduRegisters
{
    /// <summary>Bytes of region 0.</summary>
    public const uint Size = 1 << 20;

    /// <summary>Vendor ID of the PCI function.</summary>
    public const ushort Vendor = 0x1234;

    /// <summary>Device ID of the PCI function.</summary>
    public const ushort Device = 0x11E8;

    /// <summary>The <c>compatible</c> string of the PCI function, as the Open Firmware PCI binding forms it from vendor and device
    /// ID.</summary>
    public const string PciCompatible = "pci1234,11e8";

    /// <summary>Identification, read-only: see <see cref="EduIdentification"/>.</summary>
    public const uint Identification = 0x00;

    /// <summary>Liveness check: reads as the complement of what was written.</summary>
    public const uint Liveness = 0x04;

    /// <summary>Factorial: a write starts the computation; the result, of 32 bits, is read here once <see cref="EduStatus.Computing"/> is
    /// clear.</summary>
    public const uint Factorial = 0x08;

    /// <summary>Status: see <see cref="EduStatus"/>.</summary>
    public const uint Status = 0x20;

    /// <summary>Interrupt status, read-only: the values that raised the interrupt and were not acknowledged. The line is active while
    /// it is not zero.</summary>
    public const uint InterruptStatus = 0x24;

    /// <summary>Interrupt raise, write-only: adds bits to the interrupt status.</summary>
    public const uint InterruptRaise = 0x60;

    /// <summary>Interrupt acknowledge, write-only: takes bits from the interrupt status.</summary>
    public const uint InterruptAcknowledge = 0x64;

    /// <summary>DMA source address, 64 bits: a bus address, or one in the device's buffer.</summary>
    public const uint DmaSource = 0x80;

    /// <summary>DMA destination address, 64 bits: one in the device's buffer, or a bus address.</summary>
    public const uint DmaDestination = 0x88;

    /// <summary>DMA transfer count, 64 bits, in bytes.</summary>
    public const uint DmaCount = 0x90;

    /// <summary>DMA command: see <see cref="EduDmaCommand"/>.</summary>
    public const uint DmaCommand = 0x98;

    /// <summary>The DMA engine's address of the first byte of the device's buffer. The CPU does not see the buffer.</summary>
    public const uint Buffer = 0x40000;

    /// <summary>Bytes of the buffer.</summary>
    public const int BufferSize = 4096;

    /// <summary>Bus address bits that the DMA engine drives unless the device was made with another mask.</summary>
    public const int AddressBits = 28;
}
