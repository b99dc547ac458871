using Aperture.Core;
using Aperture.Dma.Memory;

namespace Aperture.Tests.Fakes;

/// <summary>Memory that writes down what is done to the caches in front of it: <c>clean</c>, <c>invalidate</c>,
/// <c>clean+invalidate</c>.</summary>
internal sealed class RecordingMemory(SystemMemory memory) : SystemMemory
{
    /// <summary>What was done, with the range.</summary>
    public List<(string What, PhysicalAddress Start, ulong Length)> Done { get; } = [];

    public override bool NeedsMaintenance => true;

    public override PhysicalAddress LowestAddress => memory.LowestAddress;

    public override PhysicalAddress HighestAddress => memory.HighestAddress;

    public override bool Owns(PhysicalAddress address) => memory.Owns(address);

    public override bool TryAllocate(int bytes, PhysicalAddress highest, out MemoryBlock block) =>
        memory.TryAllocate(bytes, highest, out block);

    protected override void Release(MemoryBlock block) => memory.Free(block);

    public override void Clean(PhysicalAddress address, ulong length) => Done.Add(("clean", address, length));

    public override void Invalidate(PhysicalAddress address, ulong length) => Done.Add(("invalidate", address, length));

    public override void CleanInvalidate(PhysicalAddress address, ulong length) => Done.Add(("clean+invalidate", address, length));
}
