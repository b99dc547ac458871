namespace Aperture.Datasheets.Sd;

/// <summary>TRANSFER MODE of a standard SD host controller.</summary>
[Flags]
public enum SdhciTransferMode : uint
{
    /// <summary>No data.</summary>
    None = 0,

    /// <summary>[0] DMA ENABLE.</summary>
    Dma = 1 << 0,

    /// <summary>[1] BLOCK COUNT ENABLE.</summary>
    CountBlocks = 1 << 1,

    /// <summary>[2] AUTO CMD12: the controller sends CMD12 after the last block.</summary>
    AutoStop = 1 << 2,

    /// <summary>[4] DATA DIRECTION: from the card.</summary>
    Read = 1 << 4,

    /// <summary>[5] MULTI BLOCK.</summary>
    MultiBlock = 1 << 5,
}
