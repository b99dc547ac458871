using System.Buffers.Binary;
using Aperture.Boards.Checking;
using Aperture.Boards.Running;
using Aperture.Boards.Tests.Checking;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Tests.Running;

public class MutatedBootTests(Xunit.Abstractions.ITestOutputHelper output)
{
    [Fact]
    public void Mutated_trees_boot_or_say_in_one_line_why_not()
    {
        const int seed = 4711;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var blobs = Directory.GetFiles(BoardFiles.Own, "*.dtb").Order(StringComparer.Ordinal).Select(File.ReadAllBytes).ToArray();
        var (booted, refused, unread) = (0, 0, 0);
        for (var i = 0; i < 3_000; i++)
        {
            var blob = Mutate(blobs[i % blobs.Length], random);
            try
            {
                var tree = DeviceTree.Parse(blob);
                _ = BoardChecker.Check(tree);
                using var machine = Machine.Boot(tree, new MachineOptions
                {
                    ShuffleSeed = i,
                    FallbackMemory = 16 << 20,
                    Memory = i % 3 == 0 ? null : [new MemoryRange(new PhysicalAddress(0x4000_0000), 4 << 20)],
                });
                booted++;
                Assert.All(
                    Runs.Test(machine).SelectMany(result => result.Checks), check => Assert.DoesNotContain('\n', check.Result.Reason));
                _ = UnboundDevices.Find(machine);
            }
            catch (DeviceTreeException)
            {
                unread++;
            }
            catch (ApertureException e)
            {
                refused++;
                Assert.DoesNotContain('\n', e.Message);
            }
            catch (Exception)
            {
                output.WriteLine($"tree {i}: {Convert.ToBase64String(blob)}");
                throw;
            }
        }

        output.WriteLine($"{booted} booted, {refused} refused, {unread} could not be read");
        Assert.InRange(booted, 750, 3_000);
        Assert.InRange(refused, 100, 3_000);
    }

    private static byte[] Mutate(byte[] original, Random random)
    {
        var blob = (byte[])original.Clone();
        var properties = DeviceTree.Parse(original)
            .Nodes()
            .SelectMany(node => node.Properties)
            .Where(property => property.Value.Length > 0)
            .ToArray();
        for (var n = random.Next(1, 6); n > 0; n--)
        {
            var property = properties[random.Next(properties.Length)];
            var value = property.Offset + 12;
            switch (random.Next(5))
            {
                case 0: // a bit of a value
                    blob[value + random.Next(property.Value.Length)] ^= (byte)(1 << random.Next(8));
                    break;
                case 1: // another property of the same name, which makes the old one vanish
                    BinaryPrimitives.WriteInt32BigEndian(blob.AsSpan(property.Offset + 8), random.Next(64));
                    break;
                default:
                    if (property.CellCount > 0)
                        BinaryPrimitives.WriteInt32BigEndian(
                            blob.AsSpan(value + (4 * random.Next(property.CellCount))),
                            random.Next(3) switch { 0 => random.Next(8), 1 => random.Next(64), _ => random.Next() });
                    break;
            }
        }

        return blob;
    }
}
