namespace Aperture.Datasheets.Sd;

/// <summary>INTERRUPT STATUS of a standard SD host controller: [15:0] normal, [31:16] error.</summary>
[Flags]
public enum SdhciInterrupts : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>[0] COMMAND COMPLETE: the response is there.</summary>
    CommandComplete = 1 << 0,

    /// <summary>[1] TRANSFER COMPLETE: all data were moved.</summary>
    TransferComplete = 1 << 1,

    /// <summary>[3] DMA: a descriptor with INT was worked through.</summary>
    Dma = 1 << 3,

    /// <summary>[15] ERROR: one of the bits above it is set.</summary>
    Error = 1 << 15,

    /// <summary>[16] COMMAND TIMEOUT: the card did not answer.</summary>
    CommandTimeout = 1 << 16,

    /// <summary>[20] DATA TIMEOUT: the card has no data, or takes none.</summary>
    DataTimeout = 1 << 20,

    /// <summary>[25] ADMA ERROR: see ADMA ERROR STATUS.</summary>
    AdmaError = 1 << 25,

    /// <summary>All that are here.</summary>
    All = CommandComplete | TransferComplete | Dma | Error | CommandTimeout | DataTimeout | AdmaError,
}
