namespace Aperture.Datasheets.Sd;

/// <summary>Fields of what high-capacity SD cards answer (SD Physical Layer Simplified Specification 3.01).</summary>
public static class SdCardFacts
{
    /// <summary>Bytes of a block (section 4.3.2).</summary>
    public const int BlockBytes = 512;

    /// <summary>CMD8: 2.7 to 3.6 V, and the pattern that comes back (section 4.3.13).</summary>
    public const uint InterfaceCondition = 0x1AA;

    /// <summary>OCR: the card is ready (section 5.1).</summary>
    public const uint OcrReady = 1u << 31;

    /// <summary>OCR: high capacity; of ACMD41: the host takes such cards.</summary>
    public const uint OcrHighCapacity = 1 << 30;

    /// <summary>OCR: 3.2 to 3.4 V.</summary>
    public const uint OcrVoltages = 3 << 20;

    /// <summary>Card status: an address beyond the end (section 4.10.1).</summary>
    public const uint StatusOutOfRange = 1u << 31;

    /// <summary>Card status: not a command of this state.</summary>
    public const uint StatusIllegalCommand = 1 << 22;

    /// <summary>Card status: the bits that tell of errors.</summary>
    public const uint StatusErrors = 0xFDF9_8008;

    /// <summary>Card status: the next command is one of the application.</summary>
    public const uint StatusApplication = 1 << 5;

    /// <summary>Card status: [12:9] the card's state.</summary>
    public const int StatusStateShift = 9;

    /// <summary>Blocks of a card by the second word of its CSD, version 2, as a host controller shows it: C_SIZE, [69:48] of the CSD,
    /// counts pieces of 512 KiB (section 5.3.3). The controller leaves the CSD's lowest 8 bits out.</summary>
    /// <param name="word">RESPONSE, the word at offset 4.</param>
    public static long BlocksOf(uint word) => (((word >> 8) & 0x3F_FFFF) + 1L) << 10;

    /// <summary>The second word of the CSD of a card of so many blocks.</summary>
    /// <param name="blocks">A multiple of 1024.</param>
    public static uint CapacityWord(long blocks) => (uint)((blocks >> 10) - 1) << 8;

    /// <summary>The fourth word of a CSD of version 2, as a host controller shows it: CSD_STRUCTURE, [127:126].</summary>
    public const uint StructureWord = 1u << 22;
}
