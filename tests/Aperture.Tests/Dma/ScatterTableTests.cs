using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;

namespace Aperture.Tests.Dma;

public sealed class ScatterTableTests
{
    public static TheoryData<string> Paths => [.. DmaRig.Paths];

    [Theory]
    [MemberData(nameof(Paths))]
    public void The_device_and_the_cpu_take_turns_with_a_table(string path)
    {
        using var rig = DmaRig.Make(path);
        var table = new ScatterTable(4);
        for (var round = 0; round < 3; round++)
        {
            MemoryBlock[] pieces =
                [rig.Memory.Allocate(4096), rig.Memory.Allocate(8192).Slice(0, 4096), rig.Memory.Allocate(4096).Slice(64, 1024)];
            var bytes = new byte[4096 + 4096 + 1024];
            var seen = new byte[bytes.Length];
            new Random(round).NextBytes(bytes);
            Scatter(bytes, pieces);
            table.Map(rig.Dma, pieces, DmaDirection.Bidirectional);
            Assert.True(table.IsMapped);
            Assert.Equal((ulong)bytes.Length, table.Segments.ToArray().Aggregate(0UL, (sum, segment) => sum + segment.Length));
            Move(rig, table, seen, isWrite: false);
            Assert.Equal(bytes, seen);

            new Random(round + 100).NextBytes(bytes);
            Move(rig, table, bytes, isWrite: true);
            table.SyncForCpu();
            Assert.Equal(bytes, pieces.SelectMany(piece => piece.Span.ToArray()));
            bytes[5000]++;
            Scatter(bytes, pieces);
            table.SyncForDevice();
            Move(rig, table, seen, isWrite: false);
            Assert.Equal(bytes, seen);

            bytes[1]++;
            Move(rig, table, bytes, isWrite: true);
            table.Unmap();
            Assert.Equal(bytes, pieces.SelectMany(piece => piece.Span.ToArray()));
            Assert.False(table.IsMapped);
            Assert.True(table.Segments.IsEmpty);
            table.Unmap(); // nothing happens
        }
    }

    [Fact]
    public void What_cannot_be_mapped_leaves_the_table_empty()
    {
        using var rig = DmaRig.Make("iommu");
        var table = new ScatterTable(2);
        var block = rig.Memory.Allocate(4096);
        Assert.Equal(Status.OutOfRange,
            Assert.Throws<ApertureException>(() => table.Map(rig.Dma, [block, block, block], DmaDirection.ToDevice)).Status);
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => table.Map(rig.Dma, [], DmaDirection.ToDevice)).Status);
        Assert.Equal(Status.NotSupported,
            Assert.Throws<ApertureException>(() => table.Map(rig.Dma, [block], DmaDirection.ToDevice, DmaAttributes.WeakOrdering)).Status);
        Assert.False(table.IsMapped);
        table.Map(rig.Dma, [block], DmaDirection.ToDevice);
        Assert.Equal(Status.Busy, Assert.Throws<ApertureException>(() => table.Map(rig.Dma, [block], DmaDirection.ToDevice)).Status);
        table.Unmap();
        Assert.Throws<ArgumentOutOfRangeException>(() => new ScatterTable(0));
    }

    private static void Scatter(ReadOnlySpan<byte> bytes, MemoryBlock[] pieces)
    {
        foreach (var piece in pieces)
        {
            bytes[..piece.Length].CopyTo(piece.Span);
            bytes = bytes[piece.Length..];
        }
    }

    private static void Move(DmaRig rig, ScatterTable table, Span<byte> bytes, bool isWrite)
    {
        foreach (var segment in table.Segments)
        {
            var part = bytes[..(int)segment.Length];
            if (isWrite)
                rig.Write(segment.Address, part);
            else
                rig.Read(segment.Address, part);
            bytes = bytes[part.Length..];
        }
    }
}
