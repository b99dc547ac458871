namespace Aperture.Datasheets.Sd;

/// <summary>Byte offsets of the registers of a standard SD host controller, as words of 32 bits. Registers of 8 and 16 bits are parts of
/// the words. Source of all facts here and in the other SDHCI types: SD Host Controller Simplified Specification 3.00, chapters 1 and
/// 2.</summary>
public static class SdhciRegisters
{
    /// <summary>Bytes of the register block.</summary>
    public const uint Size = 0x100;

    /// <summary>[11:0] BLOCK SIZE, [31:16] BLOCK COUNT.</summary>
    public const uint Block = 0x04;

    /// <summary>ARGUMENT of the command.</summary>
    public const uint Argument = 0x08;

    /// <summary>[15:0] TRANSFER MODE, see <see cref="SdhciTransferMode"/>; [31:16] COMMAND, see <see cref="SdhciCommand"/>, whose write
    /// issues the command.</summary>
    public const uint Command = 0x0C;

    /// <summary>RESPONSE, four words.</summary>
    public const uint Response = 0x10;

    /// <summary>PRESENT STATE, read-only: [0] command line in use, [1] data lines in use, [16] card inserted, [17] that is stable, [18] the
    /// detect pin.</summary>
    public const uint PresentState = 0x24;

    /// <summary>[4:3] DMA SELECT; [8] SD BUS POWER, [11:9] SD BUS VOLTAGE.</summary>
    public const uint HostControl = 0x28;

    /// <summary>[0] internal clock on, [1] stable (read-only), [2] SD clock on; [24] reset all, [25] reset the command line, [26] reset the
    /// data lines.</summary>
    public const uint ClockControl = 0x2C;

    /// <summary>INTERRUPT STATUS, write one to clear: see <see cref="SdhciInterrupts"/>.</summary>
    public const uint InterruptStatus = 0x30;

    /// <summary>INTERRUPT STATUS ENABLE: which bits of the status can be set.</summary>
    public const uint InterruptEnable = 0x34;

    /// <summary>INTERRUPT SIGNAL ENABLE: which bits of the status drive the line.</summary>
    public const uint SignalEnable = 0x38;

    /// <summary>CAPABILITIES, read-only: [15:8] base clock in MHz, [17:16] longest block (0: 512 bytes), [19] ADMA2, [24] 3.3 V, [28]
    /// 64-bit addresses.</summary>
    public const uint Capabilities = 0x40;

    /// <summary>ADMA ERROR STATUS, read-only: see <see cref="SdhciAdmaError"/>.</summary>
    public const uint AdmaError = 0x54;

    /// <summary>ADMA SYSTEM ADDRESS: the descriptor table; after an ADMA error the descriptor that it concerns, or the one behind
    /// it.</summary>
    public const uint AdmaAddress = 0x58;

    /// <summary>[7:0] SLOT INTERRUPT STATUS, [23:16] SPECIFICATION VERSION, read-only.</summary>
    public const uint Version = 0xFC;

    /// <summary>PRESENT STATE: the data lines are in use; a command with data cannot be issued.</summary>
    public const uint DataInUse = 1 << 1;

    /// <summary>HOST CONTROL: DMA SELECT of ADMA2 with 32-bit addresses.</summary>
    public const uint DmaSelectAdma2 = 2 << 3;

    /// <summary>HOST CONTROL: the field DMA SELECT.</summary>
    public const uint DmaSelectMask = 3 << 3;

    /// <summary>HOST CONTROL: SD BUS POWER.</summary>
    public const uint BusPower = 1 << 8;

    /// <summary>HOST CONTROL: SD BUS VOLTAGE of 3.3 V.</summary>
    public const uint Voltage33 = 7 << 9;

    /// <summary>CLOCK CONTROL: the internal clock is on.</summary>
    public const uint InternalClock = 1 << 0;

    /// <summary>CLOCK CONTROL: the internal clock is stable.</summary>
    public const uint ClockStable = 1 << 1;

    /// <summary>CLOCK CONTROL: the card gets its clock.</summary>
    public const uint CardClock = 1 << 2;

    /// <summary>CLOCK CONTROL: reset all.</summary>
    public const uint ResetAll = 1 << 24;

    /// <summary>CLOCK CONTROL: reset the command line.</summary>
    public const uint ResetCommand = 1 << 25;

    /// <summary>CLOCK CONTROL: reset the data lines.</summary>
    public const uint ResetData = 1 << 26;

    /// <summary>PRESENT STATE: a card is inserted, and that is stable.</summary>
    public const uint CardInserted = 7 << 16;

    /// <summary>CAPABILITIES: ADMA2 is there.</summary>
    public const uint CanAdma2 = 1 << 19;

    /// <summary>CAPABILITIES: 3.3 V can be had.</summary>
    public const uint Can33 = 1 << 24;

    /// <summary>VERSION: specification 3.00.</summary>
    public const uint Version300 = 2 << 16;
}
