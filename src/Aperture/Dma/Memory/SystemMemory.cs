using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Dma.Sanitizer;

namespace Aperture.Dma.Memory;

/// <summary>Where drivers get memory that can be given to devices: a board's RAM, or pinned memory of a host.</summary>
public abstract class SystemMemory
{
    /// <summary>Allocates contiguous, zeroed memory, aligned to its size rounded up to a power of two pages.</summary>
    /// <param name="bytes">At least 1; rounded up to whole pages.</param>
    /// <param name="highest">The highest physical address that the last byte may have.</param>
    /// <param name="block">The memory, of the length asked for.</param>
    /// <returns>False when there is none; nothing was taken then.</returns>
    public abstract bool TryAllocate(int bytes, PhysicalAddress highest, out MemoryBlock block);

    /// <summary>What messages call it.</summary>
    public virtual string Name => "memory";

    /// <summary>What is left, for messages.</summary>
    /// <param name="highest">The highest physical address that counts.</param>
    /// <returns>Null where nobody can tell, as on a host.</returns>
    public virtual MemoryRoom? Measure(PhysicalAddress highest) => null;

    /// <summary>Gives memory back. No device may have it mapped.</summary>
    /// <param name="block">Exactly what <see cref="TryAllocate"/> gave.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    public void Free(MemoryBlock block, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        if (SpanWatch.IsOn)
            SpanWatch.Freed(block, file, line);
        Release(block);
    }

    /// <summary>Takes memory back.</summary>
    /// <param name="block">What <see cref="Free"/> was given.</param>
    protected abstract void Release(MemoryBlock block);

    /// <summary>The lowest byte of memory that a driver can come across.</summary>
    public virtual PhysicalAddress LowestAddress => default;

    /// <summary>The highest byte of memory that a driver can come across; a device that cannot reach it may need bounce buffers.</summary>
    public virtual PhysicalAddress HighestAddress => new(uint.MaxValue);

    /// <summary>Whether an address is memory that drivers can come across, and so no register.</summary>
    public virtual bool Owns(PhysicalAddress address) => false;

    /// <summary>Whether every byte of a range is memory that drivers can come across.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="length">Bytes; at least 1. A range that runs past the end of the address space is not owned.</param>
    /// <remarks>Asks page by page; a memory that knows its ranges answers at once.</remarks>
    public virtual bool Owns(PhysicalAddress address, ulong length)
    {
        var left = length - 1;
        if (left > ulong.MaxValue - address.Value)
            return false;
        while (Owns(address))
        {
            var step = PhysicalMemory.PageSize - (address.Value % PhysicalMemory.PageSize);
            if (left < step)
                return true;
            left -= step;
            address += step;
        }

        return false;
    }

    /// <summary>Whether any byte of a range is memory that drivers can come across.</summary>
    /// <inheritdoc cref="Owns(PhysicalAddress, ulong)"/>
    public virtual bool OwnsAny(PhysicalAddress address, ulong length)
    {
        for (var left = Math.Min(length - 1, ulong.MaxValue - address.Value); !Owns(address);)
        {
            var step = PhysicalMemory.PageSize - (address.Value % PhysicalMemory.PageSize);
            if (left < step)
                return false;
            left -= step;
            address += step;
        }

        return true;
    }

    /// <summary>By which number devices are given memory that the CPU finds at <paramref name="pointer"/> and that is not from here, like
    /// pinned memory of the managed heap. False where no device can reach such memory, as on a simulated board.</summary>
    public virtual unsafe bool TryGetAddress(byte* pointer, out PhysicalAddress address)
    {
        address = default;
        return false;
    }

    /// <summary>Allocates contiguous, zeroed memory anywhere.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NoMemory"/>.</exception>
    public MemoryBlock Allocate(int bytes) =>
        TryAllocate(bytes, new PhysicalAddress(ulong.MaxValue), out var block)
            ? block
            : throw new ApertureException(Status.NoMemory,
                $"no 0x{bytes:x} bytes of contiguous memory are left; {Describe(new PhysicalAddress(ulong.MaxValue))}");

    /// <summary>What is left, in words.</summary>
    internal string Describe(PhysicalAddress highest)
    {
        var where = highest.Value == ulong.MaxValue ? "" : $" up to {highest}";
        return Measure(highest) is { } room
            ? $"{Name}{where} has 0x{room.Free:x} bytes free, the largest piece 0x{room.LargestPiece:x}" : $"{Name}{where} has no more";
    }

    /// <summary>Whether the CPU's caches stand between the CPU and this memory for a device that does not snoop them. Where they do not,
    /// the maintenance here does nothing and every device may be taken as coherent.</summary>
    public virtual bool NeedsMaintenance => false;

    /// <summary>Whether lines come back into the caches by themselves, as with cores that speculate: what was invalidated before a device
    /// wrote may be old afterwards. Default false; modelled caches do.</summary>
    public virtual bool Speculates => false;

    /// <summary>Bytes that are cleaned and invalidated together; a power of two. What shares such a line with memory that a non-coherent
    /// device writes is at risk. 1 where no maintenance is needed.</summary>
    public virtual int CacheAlignment => 1;

    /// <summary>Makes what the CPU wrote to the range visible to devices that do not snoop. Whole lines are written.</summary>
    /// <param name="address">Any byte of this memory.</param>
    /// <param name="length">Bytes, in one piece of contiguous memory.</param>
    public virtual void Clean(PhysicalAddress address, ulong length)
    {
    }

    /// <summary>Makes what devices wrote to the range visible to the CPU. What the CPU wrote to whole lines of it and did not clean is
    /// lost; a line that is only partly in the range is cleaned first.</summary>
    /// <inheritdoc cref="Clean"/>
    public virtual void Invalidate(PhysicalAddress address, ulong length)
    {
    }

    /// <summary>Cleans the range and then invalidates it: nothing is lost, and afterwards both sides see the same.</summary>
    /// <inheritdoc cref="Clean"/>
    public virtual void CleanInvalidate(PhysicalAddress address, ulong length)
    {
    }

    /// <summary>Takes whole pages out of the CPU's caches. While they are out, the CPU and every device see the same bytes through the
    /// block that this returns, and the block that was given must not be touched.</summary>
    /// <param name="block">Memory from here that starts at a page; all of its pages are taken out.</param>
    public virtual MemoryBlock MakeUncached(MemoryBlock block) => block;

    /// <summary>Ends what <see cref="MakeUncached"/> began: the block that this returns is cached and holds the same bytes.</summary>
    /// <param name="block">Exactly what <see cref="MakeUncached"/> gave.</param>
    public virtual MemoryBlock MakeCached(MemoryBlock block) => block;

    /// <summary>Whether this is the memory of a confidential machine, of which devices reach only what is shared.</summary>
    public virtual bool IsConfidential => false;

    /// <summary>Whether any byte of a range is private to the machine: a device gets a copy in shared memory.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="length">Bytes.</param>
    public virtual bool IsPrivate(PhysicalAddress address, ulong length) => false;

    /// <summary>Shares whole pages with the outside of a confidential machine, devices included, until they are made private or freed. What
    /// they held is lost: they read as zero. Nothing happens elsewhere.</summary>
    /// <param name="block">Memory from here that starts at a page; all of its pages are shared.</param>
    public virtual void Share(MemoryBlock block)
    {
    }

    /// <summary>Makes shared pages private. What they held is lost: they read as zero. Nothing happens where no memory is
    /// confidential.</summary>
    /// <param name="block">What <see cref="Share"/> was given. No device may have it mapped.</param>
    public virtual void MakePrivate(MemoryBlock block)
    {
    }

    /// <summary>Lets the CPU see blocks that lie apart as one piece. What they held is lost: they read as zero.</summary>
    /// <param name="pieces">Whole pages of this memory that were just allocated, but for the last one, which may end anywhere.</param>
    /// <param name="view">The blocks one behind the other. It has no physical address of its own: that is zero.</param>
    /// <returns>False where that cannot be.</returns>
    public virtual bool TryJoin(ReadOnlySpan<MemoryBlock> pieces, out MemoryBlock view)
    {
        view = default;
        return false;
    }

    /// <summary>Ends what <see cref="TryJoin"/> began.</summary>
    /// <param name="view">What that gave.</param>
    public virtual void Split(MemoryBlock view)
    {
    }

    /// <summary>What <see cref="TryJoin"/> does, for memory that is RAM of a machine.</summary>
    /// <param name="ram">The RAM.</param>
    /// <param name="pieces">As above.</param>
    /// <param name="view">As above.</param>
    protected static unsafe bool JoinPages(PhysicalMemory ram, ReadOnlySpan<MemoryBlock> pieces, out MemoryBlock view)
    {
        var pages = new (nint Start, nuint Length)[pieces.Length];
        var length = 0;
        for (var i = 0; i < pieces.Length; i++)
        {
            pages[i] = ((nint)pieces[i].Pointer, ((nuint)pieces[i].Length + PhysicalMemory.PageSize - 1)
                & ~(nuint)(PhysicalMemory.PageSize - 1));
            length += pieces[i].Length;
        }

        var isJoined = ram.Joined.TryJoin(pages, out var pointer);
        view = isJoined ? new MemoryBlock(pointer, default, length) : default;
        return isJoined;
    }

    /// <summary>What <see cref="Split"/> does, for memory that is RAM of a machine.</summary>
    /// <param name="ram">The RAM.</param>
    /// <param name="view">As above.</param>
    protected static unsafe void SplitPages(PhysicalMemory ram, MemoryBlock view) => ram.Joined.Split(view.Pointer);

    /// <summary>Allocates memory as <see cref="TryAllocate"/> does, without a cached view: what coherent buffers of a device that does not
    /// snoop are made of.</summary>
    /// <inheritdoc cref="TryAllocate"/>
    public bool TryAllocateUncached(int bytes, PhysicalAddress highest, out MemoryBlock block)
    {
        if (!TryAllocate(bytes, highest, out block))
            return false;
        block = MakeUncached(block);
        return true;
    }

    /// <summary>Gives memory without a cached view back.</summary>
    /// <param name="block">Exactly what <see cref="TryAllocateUncached"/> gave.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    public void FreeUncached(MemoryBlock block, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Free(MakeCached(block), file, line);
}
