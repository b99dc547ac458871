using System.Buffers;
using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Bounce;
using Aperture.Dma.Memory;

namespace Aperture.Tests.Dma;

/// <summary>Memory of the managed heap: pinned while it is mapped, and let go.</summary>
public class ManagedMemoryTests
{
    public static TheoryData<string> Paths => [.. DmaRig.Paths];

    [Theory]
    [MemberData(nameof(Paths))]
    public void It_is_pinned_copied_both_ways_and_let_go(string path)
    {
        using var rig = DmaRig.Make(path);
        using var owner = new CountingMemory(9000);
        var memory = owner.Memory.Slice(123, 7000);
        memory.Span.Fill(1);
        using (var managed = rig.Dma.MapManaged(memory, DmaDirection.Bidirectional))
        {
            Assert.Equal(1, owner.Pins);
            var mapping = managed.Mapping;
            Assert.Equal((7000ul, true), (mapping.Length, mapping.NeedsSync));
            var seen = new byte[7000];
            rig.Read(mapping.Address, seen);
            Assert.Equal(-1, seen.AsSpan().IndexOfAnyExcept((byte)1));
            rig.Write(mapping.Address + 6000, new byte[] { 2, 2, 2 });
            Assert.Equal(1, memory.Span[6001]);
            mapping.SyncForCpu(6001, 1);
            Assert.Equal([1, 2, 1], memory.Span.Slice(6000, 3).ToArray());
            memory.Span[5] = 3;
            rig.Dma.SyncForDevice(mapping.Address + 5, 1, DmaDirection.Bidirectional);
            rig.Read(mapping.Address, seen);
            Assert.Equal((3, 2), (seen[5], seen[6000]));
        }

        Assert.Equal([2, 2, 2], memory.Span.Slice(6000, 3).ToArray());
        Assert.Equal((0, 0), (owner.Pins, rig.Dma.BouncePool.UsedSlots));
    }

    [Fact]
    public void It_is_let_go_when_the_map_fails()
    {
        using var rig = DmaRig.Make("iommu", bounce: new BounceOptions { Bytes = 256 << 10, MaxBytes = 256 << 10 });
        using var owner = new CountingMemory((256 << 10) + 1);
        Assert.Equal(Status.InvalidArgument,
            Assert.Throws<ApertureException>(() => rig.Dma.MapManaged(owner.Memory, DmaDirection.ToDevice)).Status);
        rig.Domain.FailAfter = 0;
        Assert.Equal(Status.NoMemory,
            Assert.Throws<ApertureException>(() => rig.Dma.MapManaged(owner.Memory[..100], DmaDirection.ToDevice)).Status);
        using (rig.Dma.MapManaged(new byte[256 << 10], DmaDirection.ToDevice))
        {
            var error = Assert.Throws<ApertureException>(() => rig.Dma.MapManaged(owner.Memory[..1], DmaDirection.ToDevice));
            Assert.Equal(Status.NoSpace, error.Status);
        }

        rig.Dma.Detach();
        Assert.Throws<ApertureException>(() => rig.Dma.MapManaged(owner.Memory[..1], DmaDirection.ToDevice));
        Assert.Equal((0, 0), (owner.Pins, rig.Platform.BouncePool.UsedSlots));
    }

    /// <summary>The collector moves what it can meanwhile, and the bytes arrive where they belong.</summary>
    [Fact]
    public void The_collector_does_not_move_it()
    {
        using var rig = DmaRig.Make("iommu");
        var arrays = new byte[50][];
        var mappings = new ManagedMapping[50];
        for (var i = 0; i < 50; i++)
        {
            _ = new byte[1000]; // a hole in front of each
            arrays[i] = new byte[100];
            mappings[i] = rig.Dma.MapManaged(arrays[i], DmaDirection.FromDevice);
        }

        GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
        for (var i = 0; i < 50; i++)
        {
            rig.Write(mappings[i].Mapping.Address, Enumerable.Repeat((byte)i, 100).ToArray());
            mappings[i].Dispose();
            Assert.Equal(-1, arrays[i].AsSpan().IndexOfAnyExcept((byte)i));
        }
    }

    /// <summary>Counts who holds it pinned.</summary>
    private sealed class CountingMemory(int bytes) : MemoryManager<byte>
    {
        private readonly byte[] _bytes = GC.AllocateArray<byte>(bytes, pinned: true);

        public int Pins { get; private set; }

        public override Span<byte> GetSpan() => _bytes;

        public override unsafe MemoryHandle Pin(int elementIndex = 0)
        {
            Pins++;
            return new MemoryHandle(System.Runtime.CompilerServices.Unsafe.AsPointer(ref _bytes[elementIndex]), pinnable: this);
        }

        public override void Unpin() => Pins--;

        protected override void Dispose(bool disposing)
        {
        }
    }
}
