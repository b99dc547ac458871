using System.Buffers.Binary;
using Aperture.Boards.Checking;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Tests.Checking;

public class MutationTests(Xunit.Abstractions.ITestOutputHelper output)
{
    [Fact]
    public void Ten_thousand_mutated_trees_never_crash()
    {
        const int seed = 20261;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var blobs = Directory.GetFiles(BoardFiles.Own, "*.dtb").Order(StringComparer.Ordinal).Select(File.ReadAllBytes).ToArray();
        Assert.NotEmpty(blobs);
        var readable = 0;
        for (var i = 0; i < 10_000; i++)
        {
            var blob = Mutate(blobs[i % blobs.Length], random);
            try
            {
                var tree = DeviceTree.Parse(blob);
                readable++;
                Visit(tree);
                Assert.All(BoardChecker.Check(tree), f => Assert.DoesNotContain('\n', f.Message));
            }
            catch (DeviceTreeException e)
            {
                Assert.DoesNotContain('\n', e.Message);
                Assert.StartsWith("offset 0x", e.Message, StringComparison.Ordinal);
            }
        }
        // Most of the work must be done in trees that can still be read, or the test tests nothing.
        Assert.InRange(readable, 3_000, 9_999);
    }

    private static byte[] Mutate(byte[] original, Random random)
    {
        var blob = (byte[])original.Clone();
        switch (random.Next(6))
        {
            case 0:
                return blob[..random.Next(blob.Length)];
            case 1: // anywhere
                for (var n = random.Next(1, 8); n > 0; n--)
                    blob[random.Next(blob.Length)] ^= (byte)(1 << random.Next(8));
                return blob;
            case 2: // a header field
                BitConverter.TryWriteBytes(blob.AsSpan(random.Next(10) * 4), random.Next() >> random.Next(31));
                return blob;
            default: // cells of properties: phandles, counts, sizes
                var cells = ValueCells(original);
                for (var n = random.Next(1, 16); n > 0; n--)
                {
                    var value = random.Next(3) switch { 0 => random.Next(8), 1 => random.Next(64), _ => random.Next() };
                    BinaryPrimitives.WriteInt32BigEndian(blob.AsSpan(cells[random.Next(cells.Count)]), value);
                }
                return blob;
        }
    }

    // Where the cells of all properties lie in the blob: behind token, length and name.
    private static List<int> ValueCells(byte[] blob)
    {
        var cells = new List<int>();
        foreach (var property in DeviceTree.Parse(blob).Nodes().SelectMany(n => n.Properties))
        {
            for (var cell = 0; cell < property.CellCount; cell++)
                cells.Add(property.Offset + 12 + cell * 4);
        }
        return cells;
    }

    private static void Visit(DeviceTree tree)
    {
        _ = (tree.Memory(), tree.ReservedMemory(), tree.Aliases().Count(), tree.Board);
        foreach (var device in tree.Devices())
        {
            _ = (device.DeviceName, device.Address, device.InterruptParent(), device.IsDmaCoherent, device.TryGetDmaRanges(out _));
            _ = (device.Iommus(), device.Clocks(), device.PowerDomains(), device.Resets(), device.MemoryRegions(), device.Interrupts());
            _ = device.TryMapIommuId(1, out _, out _);
        }
    }
}
