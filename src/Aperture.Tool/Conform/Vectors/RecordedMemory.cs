using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Core.Memory;

namespace Aperture.Tool.Conform.Vectors;

/// <summary>The table memory of the recording: the sum of its <c>mem</c> and <c>poke</c> lines, and which blocks are allocated.</summary>
public sealed class RecordedMemory : IDisposable
{
    private readonly SortedDictionary<ulong, int> _blocks = []; // allocated blocks: address and size

    /// <summary>Memory that is large enough for every block that a file allocates.</summary>
    public RecordedMemory(VectorFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        Range = Extent(file, 0, file.Events.Where(line => line.Kind is "alloc" or "mem" or "poke"));
        Memory = new PhysicalMemory(Range);
    }

    /// <summary>The memory.</summary>
    public PhysicalMemory Memory { get; }

    /// <summary>Where it lies.</summary>
    public MemoryRange Range { get; }

    /// <summary>The allocated blocks, lowest first: address and size in bytes.</summary>
    public IReadOnlyDictionary<ulong, int> Blocks => _blocks;

    /// <summary>The range that holds every block of a file, and <paramref name="spare"/> bytes behind them.</summary>
    public static MemoryRange Extent(VectorFile file, ulong spare)
    {
        ArgumentNullException.ThrowIfNull(file);
        return Extent(file, spare, file.Events.Where(line => line.Kind == "alloc"));
    }

    /// <summary>A block was allocated; it reads zero.</summary>
    public void Allocate(VectorEvent line)
    {
        ArgumentNullException.ThrowIfNull(line);
        var size = line.Count("size");
        _blocks[line.Hex("pa")] = size;
        Block(line, line.Hex("pa"), size).Clear();
    }

    /// <summary>A block was given back.</summary>
    /// <returns>False when no such block was allocated.</returns>
    public bool Free(VectorEvent line)
    {
        ArgumentNullException.ThrowIfNull(line);
        return _blocks.TryGetValue(line.Hex("pa"), out var size) && size == line.Count("size") && _blocks.Remove(line.Hex("pa"));
    }

    /// <summary>Applies a <c>mem</c> line.</summary>
    public void Apply(VectorEvent line)
    {
        ArgumentNullException.ThrowIfNull(line);
        var words = Words(line);
        words.CopyTo(MemoryMarshal.Cast<byte, uint>(Block(line, line.Hex("pa"), words.Length * sizeof(uint))));
    }

    /// <summary>Applies a <c>poke</c> line.</summary>
    public void Poke(VectorEvent line)
    {
        ArgumentNullException.ThrowIfNull(line);
        MemoryMarshal.Write(Block(line, line.Hex("pa"), sizeof(uint)), line.Word("val"));
    }

    /// <summary>The words that a <c>mem</c> or <c>image</c> line gives.</summary>
    public static uint[] Words(VectorEvent line)
    {
        ArgumentNullException.ThrowIfNull(line);
        if (line.Number("bits") != 32)
            throw line.Bad("only 32-bit table words are known here");
        if (line.Has("words"))
            return line.Words("words");
        if (line.Count("count") > 1 << 24)
            throw line.Bad("more words than tables can have");
        var words = new uint[line.Count("count")];
        var step = line.Has("step") ? line.Word("step") : 0;
        var value = line.Word("fill");
        for (var i = 0; i < words.Length; i++, value += step)
            words[i] = value;
        return words;
    }

    /// <summary>A word.</summary>
    public uint this[ulong address] => MemoryMarshal.Read<uint>(Memory.Span(new PhysicalAddress(address), sizeof(uint)));

    /// <summary>Whether there is memory at an address.</summary>
    public bool Contains(ulong address, int length) => Range.Contains(new PhysicalAddress(address), (ulong)length);

    /// <inheritdoc/>
    public void Dispose() => Memory.Dispose();

    private Span<byte> Block(VectorEvent line, ulong address, int length) =>
        address % sizeof(uint) == 0 && Contains(address, length)
            ? Memory.Span(new PhysicalAddress(address), length)
            : throw line.Bad($"there is no table memory at 0x{address:x} (+0x{length:x})");

    private static MemoryRange Extent(VectorFile file, ulong spare, IEnumerable<VectorEvent> blocks)
    {
        var start = file.RamBase & ~0xFFFUL;
        var end = start + 0x1000;
        foreach (var block in blocks)
        {
            var length = block.Kind switch { "alloc" => block.Count("size"), "mem" => Words(block).Length * sizeof(uint), _ => sizeof(uint) };
            start = Math.Min(start, block.Hex("pa") & ~0xFFFUL);
            end = Math.Max(end, (block.Hex("pa") + (ulong)length + 0xFFF) & ~0xFFFUL);
        }

        if (end - start > 1UL << 32)
            throw new VectorException(file.Path, 0, "its tables are spread over more than 4 GiB");
        return new MemoryRange(new PhysicalAddress(start), end - start + spare);
    }
}
