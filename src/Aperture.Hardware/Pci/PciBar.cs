using System.Numerics;
using Aperture.Core;
using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Pci;

/// <summary>A base address register: a piece of address space with register blocks in it. What becomes of an access that no block takes is
/// the bus's affair.</summary>
public sealed class PciBar
{
    /// <summary>The smallest BAR, in bytes.</summary>
    public const uint MinSize = 16;

    private const uint PageSize = 4096; // what a BAR of one block has at least

    private readonly (uint Offset, IMmioDevice Block)[] _blocks;

    /// <summary>A BAR of one block, as large as it must be.</summary>
    /// <param name="block">The block; at offset 0.</param>
    public PciBar(IMmioDevice block)
        : this(SizeFor(block), false, (0u, block))
    {
    }

    /// <summary>A BAR of several blocks.</summary>
    /// <param name="size">Bytes: a power of two from 16 to 2^31.</param>
    /// <param name="is64Bit">Whether it takes two registers and may be put above 4 GiB.</param>
    /// <param name="blocks">The blocks and where they are; disjoint and inside.</param>
    /// <exception cref="ApertureException">A size or a place that cannot be.</exception>
    public PciBar(uint size, bool is64Bit, params ReadOnlySpan<(uint Offset, IMmioDevice Block)> blocks)
    {
        if (size < MinSize || !BitOperations.IsPow2(size))
            throw new ApertureException(Status.InvalidArgument, $"a BAR of 0x{size:x} bytes is no power of two from {MinSize} on");
        Size = size;
        Is64Bit = is64Bit;
        _blocks = blocks.ToArray();
        Array.Sort(_blocks, static (a, b) => a.Offset.CompareTo(b.Offset));
        ulong end = 0;
        foreach (var (offset, block) in _blocks)
        {
            if (offset < end || (ulong)offset + block.Size > size)
            {
                throw new ApertureException(
                    Status.InvalidArgument, $"a block of 0x{block.Size:x} bytes has no room at 0x{offset:x} of a BAR of 0x{size:x}");
            }

            end = offset + (ulong)block.Size;
        }
    }

    /// <summary>Bytes.</summary>
    public uint Size { get; }

    /// <summary>Whether it takes two registers.</summary>
    public bool Is64Bit { get; }

    /// <summary>Whether reads have no side effects, so that bridges may put it into their prefetchable windows.</summary>
    public bool IsPrefetchable { get; init; }

    /// <summary>The blocks in it, lowest first.</summary>
    public IEnumerable<IMmioDevice> Blocks => _blocks.Select(block => block.Block);

    /// <summary>Reads what a block has.</summary>
    /// <param name="offset">Byte offset; a multiple of <paramref name="width"/>.</param>
    /// <param name="width">1, 2, 4 or 8 bytes.</param>
    /// <param name="value">What the block answers.</param>
    /// <returns>False where no block is, or it does not answer.</returns>
    public bool TryRead(ulong offset, int width, out ulong value)
    {
        value = 0;
        return TryFind(offset, width, out var block, out var inside) && block.TryRead(inside, width, out value);
    }

    /// <summary>Writes what a block has.</summary>
    /// <param name="offset">Byte offset; a multiple of <paramref name="width"/>.</param>
    /// <param name="width">1, 2, 4 or 8 bytes.</param>
    /// <param name="value">The value.</param>
    /// <returns>False where no block is, or it does not answer.</returns>
    public bool TryWrite(ulong offset, int width, ulong value) =>
        TryFind(offset, width, out var block, out var inside) && block.TryWrite(inside, width, value);

    /// <summary>Reads any bytes of one block.</summary>
    /// <returns>False where they are not one block's, or it does not answer.</returns>
    internal bool TryRead(ulong offset, Span<byte> destination) =>
        TryFind(offset, destination.Length, out var block, out var inside) && Bursts.TryRead(block, inside, destination);

    /// <summary>Writes any bytes of one block.</summary>
    /// <returns>False where they are not one block's, or it does not answer.</returns>
    internal bool TryWrite(ulong offset, ReadOnlySpan<byte> source) =>
        TryFind(offset, source.Length, out var block, out var inside) && Bursts.TryWrite(block, inside, source);

    private static uint SizeFor(IMmioDevice block)
    {
        ArgumentNullException.ThrowIfNull(block);
        return Math.Max(PageSize, BitOperations.RoundUpToPowerOf2(block.Size));
    }

    private bool TryFind(ulong offset, int width, out IMmioDevice block, out uint inside)
    {
        foreach (var (start, candidate) in _blocks)
        {
            var distance = offset - start;
            if (distance >= candidate.Size || (ulong)width > candidate.Size - distance)
                continue;
            block = candidate;
            inside = (uint)distance;
            return true;
        }

        block = null!;
        inside = 0;
        return false;
    }
}
