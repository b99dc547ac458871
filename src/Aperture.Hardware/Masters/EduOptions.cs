using Aperture.Datasheets.Edu;

namespace Aperture.Hardware.Masters;

/// <summary>What may differ between educational devices, and what their specification leaves open.</summary>
public sealed record EduOptions
{
    /// <summary>The bus address bits that the DMA engine drives, as a mask; the others are zero on the bus. 28 bits by default.</summary>
    public ulong DmaMask { get; init; } = (1UL << EduRegisters.AddressBits) - 1;

    /// <summary>What commands take their time by; null, the default, for none: they end within the write that starts them.
    /// Its timers must run on the machine's thread.</summary>
    public TimeProvider? Time { get; init; }

    /// <summary>How long a factorial takes. Unknown; 1 ms unless set.</summary>
    public TimeSpan FactorialTime { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>How long a DMA transfer takes. Unknown; 10 ms unless set.</summary>
    public TimeSpan TransferTime { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>The interrupt bit of a finished factorial. The specification names none; bit 0 unless set.</summary>
    public uint FactorialInterrupt { get; init; } = 1;

    /// <summary>What write-only and absent registers read as. Unknown; all ones unless set, as a PCI bus answers for nobody.</summary>
    public ulong AbsentValue { get; init; } = ulong.MaxValue;
}
