using Aperture.Core;
using Aperture.Core.Memory;

namespace Aperture.Dma.Memory;

/// <summary>Several memories in order of preference, on-chip before off-chip for example: an allocation comes from the first that has
/// room within the limit.</summary>
public sealed class PrioritisedMemory : SystemMemory
{
    private readonly SystemMemory[] _memories;

    /// <summary>Memories, the best first. Each must know what it <see cref="SystemMemory.Owns(PhysicalAddress)"/>; none may overlap
    /// another.</summary>
    public PrioritisedMemory(params ReadOnlySpan<SystemMemory> memories)
    {
        if (memories.IsEmpty)
            throw new ApertureException(Status.InvalidArgument, "a list of memories needs at least one");
        _memories = memories.ToArray();
    }

    /// <inheritdoc/>
    public override PhysicalAddress LowestAddress => new(_memories.Min(memory => memory.LowestAddress.Value));

    /// <inheritdoc/>
    public override PhysicalAddress HighestAddress => new(_memories.Max(memory => memory.HighestAddress.Value));

    /// <inheritdoc/>
    public override bool NeedsMaintenance => Array.Exists(_memories, memory => memory.NeedsMaintenance);

    /// <inheritdoc/>
    public override int CacheAlignment => _memories.Max(memory => memory.CacheAlignment);

    /// <inheritdoc/>
    public override bool Owns(PhysicalAddress address) => Find(address) is not null;

    /// <inheritdoc/>
    public override bool Owns(PhysicalAddress address, ulong length) =>
        Find(address) is { } memory && (memory.Owns(address, length) || base.Owns(address, length));

    /// <inheritdoc/>
    public override bool OwnsAny(PhysicalAddress address, ulong length) =>
        Array.Exists(_memories, memory => memory.OwnsAny(address, length));

    /// <inheritdoc/>
    public override bool TryAllocate(int bytes, PhysicalAddress highest, out MemoryBlock block)
    {
        foreach (var memory in _memories)
        {
            if (memory.TryAllocate(bytes, highest, out block))
                return true;
        }

        block = default;
        return false;
    }

    /// <inheritdoc/>
    public override MemoryRoom? Measure(PhysicalAddress highest)
    {
        MemoryRoom? sum = null;
        foreach (var memory in _memories)
            sum = memory.Measure(highest) is { } room ? room.With(sum.GetValueOrDefault()) : sum;
        return sum;
    }

    /// <inheritdoc/>
    protected override void Release(MemoryBlock block) => Owner(block.Address).Free(block);

    /// <inheritdoc/>
    public override void Clean(PhysicalAddress address, ulong length)
    {
        for (ulong done = 0, part; done < length; done += part)
            PieceOf(address + done, length - done, out part)?.Clean(address + done, part);
    }

    /// <inheritdoc/>
    public override void Invalidate(PhysicalAddress address, ulong length)
    {
        for (ulong done = 0, part; done < length; done += part)
            PieceOf(address + done, length - done, out part)?.Invalidate(address + done, part);
    }

    /// <inheritdoc/>
    public override void CleanInvalidate(PhysicalAddress address, ulong length)
    {
        for (ulong done = 0, part; done < length; done += part)
            PieceOf(address + done, length - done, out part)?.CleanInvalidate(address + done, part);
    }

    /// <inheritdoc/>
    public override bool IsConfidential => Array.Exists(_memories, memory => memory.IsConfidential);

    /// <inheritdoc/>
    public override bool IsPrivate(PhysicalAddress address, ulong length) =>
        Array.Exists(_memories, memory => memory.IsPrivate(address, length));

    /// <inheritdoc/>
    public override void Share(MemoryBlock block) => Owner(block.Address).Share(block);

    /// <inheritdoc/>
    public override void MakePrivate(MemoryBlock block) => Owner(block.Address).MakePrivate(block);

    /// <inheritdoc/>
    public override MemoryBlock MakeUncached(MemoryBlock block) => Owner(block.Address).MakeUncached(block);

    /// <inheritdoc/>
    public override MemoryBlock MakeCached(MemoryBlock block) => Owner(block.Address).MakeCached(block);

    /// <summary>The memory that owns a byte, and how much of the range from there on is its own: all of it, unless memories
    /// adjoin.</summary>
    private SystemMemory? PieceOf(PhysicalAddress address, ulong length, out ulong part)
    {
        part = length;
        var owner = Find(address);
        if (owner is null || owner.Owns(address, length))
            return owner;
        for (part = 0; part < length && Find(address + part) == owner;)
            part = Math.Min(length, part + PhysicalMemory.PageSize - ((address + part).Value % PhysicalMemory.PageSize));
        return owner;
    }

    private SystemMemory? Find(PhysicalAddress address)
    {
        foreach (var memory in _memories)
        {
            if (memory.Owns(address))
                return memory;
        }

        return null;
    }

    private SystemMemory Owner(PhysicalAddress address) =>
        Find(address) ?? throw new ApertureException(Status.InvalidArgument, $"{address} comes from none of these memories");
}
