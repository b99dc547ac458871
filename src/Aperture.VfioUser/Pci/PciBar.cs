using System.Numerics;
using Aperture.Core;
using Aperture.Hardware.Bus;

namespace Aperture.VfioUser;

/// <summary>A base address register: a piece of address space with register blocks in it. An access that no block takes reads ones and is
/// lost as a write, as on PCI.</summary>
public sealed class PciBar
{
    /// <summary>The smallest BAR, in bytes: an emulator maps whole pages.</summary>
    public const uint MinSize = 4096;

    private readonly (uint Offset, IMmioDevice Block)[] _blocks;

    /// <summary>A BAR of one block, as large as it must be.</summary>
    /// <param name="block">The block; at offset 0.</param>
    public PciBar(IMmioDevice block)
        : this(SizeFor(block), false, (0u, block))
    {
    }

    /// <summary>A BAR of several blocks.</summary>
    /// <param name="size">Bytes: a power of two from 4096 to 2^31.</param>
    /// <param name="is64Bit">Whether it takes two registers and may be put above 4 GiB.</param>
    /// <param name="blocks">The blocks and where they are; disjoint and inside.</param>
    /// <exception cref="ApertureException">A size or a place that cannot be.</exception>
    public PciBar(uint size, bool is64Bit, params ReadOnlySpan<(uint Offset, IMmioDevice Block)> blocks)
    {
        if (size < MinSize || !BitOperations.IsPow2(size))
            throw new ApertureException(Status.InvalidArgument, $"a BAR of 0x{size:x} bytes is no power of two from 4096 on");
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

    /// <summary>The blocks in it, lowest first.</summary>
    public IEnumerable<IMmioDevice> Blocks => _blocks.Select(block => block.Block);

    /// <summary>One access of the bus, aligned.</summary>
    internal bool TryRead(ulong offset, int width, out ulong value)
    {
        value = 0;
        return TryFind(offset, width, out var block, out var inside) && block.TryRead(inside, width, out value);
    }

    /// <summary>One access of the bus, aligned.</summary>
    internal bool TryWrite(ulong offset, int width, ulong value) =>
        TryFind(offset, width, out var block, out var inside) && block.TryWrite(inside, width, value);

    private static uint SizeFor(IMmioDevice block)
    {
        ArgumentNullException.ThrowIfNull(block);
        return Math.Max(MinSize, BitOperations.RoundUpToPowerOf2(block.Size));
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
