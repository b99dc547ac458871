using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Core.Memory;

namespace Aperture.Conformance.Vectors;

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

    /// <summary>All blocks were given back.</summary>
    public void FreeAll() => _blocks.Clear();

    /// <summary>Applies a <c>mem</c> line.</summary>
    public void Apply(VectorEvent line)
    {
        ArgumentNullException.ThrowIfNull(line);
        var words = Words(line);
        var width = WordBytes(line);
        var block = Block(line, line.Hex("pa"), words.Length * width);
        for (var i = 0; i < words.Length; i++)
            Write(block[(i * width)..], width, words[i]);
    }

    /// <summary>Applies a <c>poke</c> line.</summary>
    public void Poke(VectorEvent line)
    {
        ArgumentNullException.ThrowIfNull(line);
        var width = WordBytes(line);
        Write(Block(line, line.Hex("pa"), width), width, line.Hex("val"));
    }

    /// <summary>Bytes of the words of a <c>mem</c>, <c>image</c> or <c>poke</c> line.</summary>
    public static int WordBytes(VectorEvent line)
    {
        ArgumentNullException.ThrowIfNull(line);
        return line.Number("bits") switch
        {
            32 => sizeof(uint),
            64 => sizeof(ulong),
            var bits => throw line.Bad($"table words have 32 or 64 bits, not {bits}"),
        };
    }

    /// <summary>The words that a <c>mem</c> or <c>image</c> line gives.</summary>
    public static ulong[] Words(VectorEvent line)
    {
        ArgumentNullException.ThrowIfNull(line);
        var most = WordBytes(line) == sizeof(uint) ? uint.MaxValue : ulong.MaxValue;
        ulong[] words;
        if (line.Has("words"))
        {
            words = line.Words("words");
        }
        else
        {
            if (line.Count("count") > 1 << 24)
                throw line.Bad("more words than tables can have");
            words = new ulong[line.Count("count")];
            var step = line.Has("step") ? line.Hex("step") : 0;
            var value = line.Hex("fill");
            for (var i = 0; i < words.Length; i++, value = (value + step) & most)
                words[i] = value;
        }

        return Array.TrueForAll(words, word => word <= most) ? words : throw line.Bad("a word has more bits than table words have");
    }

    /// <summary>Whether an address lies in the words of a <c>mem</c> or <c>image</c> line.</summary>
    public static bool Covers(VectorEvent line, ulong address)
    {
        ArgumentNullException.ThrowIfNull(line);
        return line.Hex("pa") <= address && address < line.Hex("pa") + (ulong)(Words(line).Length * WordBytes(line));
    }

    /// <summary>A word of 4 or 8 bytes.</summary>
    public ulong Word(ulong address, int bytes) => Read(Memory.Span(new PhysicalAddress(address), bytes));

    /// <summary>The number in 4 or 8 bytes.</summary>
    public static ulong Read(ReadOnlySpan<byte> word) =>
        word.Length == sizeof(uint) ? MemoryMarshal.Read<uint>(word) : MemoryMarshal.Read<ulong>(word);

    private static void Write(Span<byte> at, int width, ulong value)
    {
        if (width == sizeof(uint))
            MemoryMarshal.Write(at, (uint)value);
        else
            MemoryMarshal.Write(at, value);
    }

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
            var length = block.Kind switch
            {
                "alloc" => block.Count("size"),
                "mem" => Words(block).Length * WordBytes(block),
                _ => WordBytes(block),
            };
            start = Math.Min(start, block.Hex("pa") & ~0xFFFUL);
            end = Math.Max(end, (block.Hex("pa") + (ulong)length + 0xFFF) & ~0xFFFUL);
        }

        if (end - start > 1UL << 32)
            throw new VectorException(file.Path, 0, "its tables are spread over more than 4 GiB");
        return new MemoryRange(new PhysicalAddress(start), end - start + spare);
    }
}
