using Aperture.Core;

namespace Aperture.Hardware.Nvme;

/// <summary>A namespace: blocks that memory holds.</summary>
public sealed class NvmeNamespace
{
    /// <summary>A namespace.</summary>
    /// <param name="content">Its blocks; a multiple of their size, at least one.</param>
    /// <param name="blockShift">Log2 of the bytes of a block: 9 or 12.</param>
    /// <exception cref="ApertureException">Another size of blocks, or content that is no multiple of it.</exception>
    public NvmeNamespace(Memory<byte> content, int blockShift = 9)
    {
        if (blockShift is not (9 or 12) || content.Length == 0 || content.Length % (1 << blockShift) != 0)
            throw new ApertureException(
                Status.InvalidArgument, $"{content.Length} bytes are no namespace of blocks of 2^{blockShift} bytes");
        Content = content;
        BlockShift = blockShift;
    }

    /// <summary>The blocks, one behind the other.</summary>
    public Memory<byte> Content { get; }

    /// <summary>Log2 of the bytes of a block.</summary>
    public int BlockShift { get; }

    /// <summary>Number of blocks.</summary>
    public ulong Blocks => (ulong)Content.Length >> BlockShift;

    /// <summary>The bytes of some blocks.</summary>
    /// <param name="first">The first block.</param>
    /// <param name="count">How many.</param>
    /// <param name="bytes">Their bytes.</param>
    /// <returns>False where there are not so many.</returns>
    internal bool TryGet(ulong first, ulong count, out Span<byte> bytes)
    {
        bytes = default;
        if (first > Blocks || count > Blocks - first)
            return false;
        bytes = Content.Span.Slice((int)(first << BlockShift), (int)(count << BlockShift));
        return true;
    }
}
