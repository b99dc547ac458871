using Aperture.Core;

namespace Aperture.Dma.Memory;

/// <summary>Several memories in order of preference, on-chip before off-chip for example: an allocation comes from the first that has room within
/// the limit.</summary>
public sealed class PrioritisedMemory : SystemMemory
{
    private readonly SystemMemory[] _memories;

    /// <summary>Memories, the best first. Each must know what it <see cref="SystemMemory.Owns"/>; none may overlap another.</summary>
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
    protected override void Release(MemoryBlock block) => Owner(block.Address).Free(block);

    /// <inheritdoc/>
    public override void Clean(PhysicalAddress address, ulong length) => Find(address)?.Clean(address, length);

    /// <inheritdoc/>
    public override void Invalidate(PhysicalAddress address, ulong length) => Find(address)?.Invalidate(address, length);

    /// <inheritdoc/>
    public override void CleanInvalidate(PhysicalAddress address, ulong length) => Find(address)?.CleanInvalidate(address, length);

    /// <inheritdoc/>
    public override MemoryBlock MakeUncached(MemoryBlock block) => Owner(block.Address).MakeUncached(block);

    /// <inheritdoc/>
    public override MemoryBlock MakeCached(MemoryBlock block) => Owner(block.Address).MakeCached(block);

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
