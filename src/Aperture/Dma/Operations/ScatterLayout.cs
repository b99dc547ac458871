using Aperture.Dma.Memory;

namespace Aperture.Dma.Operations;

/// <summary>Where the pieces of a scatterlist lie in the one range of device addresses that it gets: each on pages of its own, and moved
/// up to the next segment boundary when it would cross one. The gap before it stays unmapped.</summary>
internal struct ScatterLayout(ulong page, ulong boundary)
{
    /// <summary>Bytes of device addresses so far.</summary>
    public ulong Total { get; private set; }

    /// <summary>Places the next piece.</summary>
    /// <param name="block">A piece that is not empty.</param>
    /// <param name="pages">Bytes of the pages that it touches.</param>
    /// <returns>Offset of its first page in the range.</returns>
    public ulong Add(MemoryBlock block, out ulong pages)
    {
        pages = ((block.Address.Value & (page - 1)) + (ulong)block.Length + page - 1) & ~(page - 1);
        var pad = (boundary - Total + 1) & boundary;
        if (pad != 0 && pad < pages)
            Total += pad;
        var at = Total;
        Total += pages;
        return at;
    }
}
