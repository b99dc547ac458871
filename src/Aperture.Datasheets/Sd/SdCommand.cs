namespace Aperture.Datasheets.Sd;

/// <summary>Commands of SD memory cards (SD Physical Layer Simplified Specification 3.01, section 4.7).</summary>
public enum SdCommand
{
    /// <summary>CMD0: to the idle state.</summary>
    GoIdle = 0,

    /// <summary>CMD2: the card's identification.</summary>
    AllSendIdentification = 2,

    /// <summary>CMD3: the card chooses an address.</summary>
    SendRelativeAddress = 3,

    /// <summary>CMD7: to the transfer state, or back from it.</summary>
    Select = 7,

    /// <summary>CMD8: voltage and a pattern that comes back.</summary>
    SendInterfaceCondition = 8,

    /// <summary>CMD9: the card's data, its capacity among them.</summary>
    SendCardData = 9,

    /// <summary>CMD12: ends a transfer of several blocks.</summary>
    StopTransmission = 12,

    /// <summary>CMD13: the card's status.</summary>
    SendStatus = 13,

    /// <summary>CMD16: bytes of a block.</summary>
    SetBlockLength = 16,

    /// <summary>CMD17: reads a block.</summary>
    ReadSingle = 17,

    /// <summary>CMD18: reads blocks until CMD12.</summary>
    ReadMultiple = 18,

    /// <summary>CMD24: writes a block.</summary>
    WriteSingle = 24,

    /// <summary>CMD25: writes blocks until CMD12.</summary>
    WriteMultiple = 25,

    /// <summary>ACMD41: voltages, and whether the card is ready.</summary>
    SendOperatingConditions = 41,

    /// <summary>CMD55: the next command is one of the application.</summary>
    Application = 55,
}
