using System.Security.Cryptography;
using Aperture.Core.Memory;
using Xunit.Abstractions;

namespace Aperture.Core.Tests.Memory;

public sealed class CpuCacheChaosTests(ITestOutputHelper output)
{
    private const int Buffers = 24;
    private const int BufferBytes = 1024;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_correct_protocol_never_sees_it(bool hasChaos)
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        using var machine = new CachedMachine(new CpuCacheOptions { ChaosSeed = hasChaos ? seed : null });
        Assert.Equal(0, Run(machine, new Random(seed), 100_000, forgets: 0));
        Assert.Equal(hasChaos, machine.Cache.Counters.Evicted > 1000);
        Assert.Equal(hasChaos, machine.Cache.Counters.Refilled > 100);
        Assert.Equal(0, machine.Cache.Counters.AliasWrites);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_protocol_with_a_gap_is_found_out(bool hasChaos)
    {
        for (var forgotten = 1; forgotten <= 2; forgotten++)
        {
            using var machine = new CachedMachine(new CpuCacheOptions { ChaosSeed = hasChaos ? 5 : null });
            Assert.NotEqual(0, Run(machine, new Random(6), 2000, forgotten));
        }
    }

    [Fact]
    public void A_seed_gives_the_same_bytes_each_time()
    {
        var first = Hash(77);
        Assert.Equal(first, Hash(77));
        Assert.NotEqual(first, Hash(78));

        static string Hash(int seed)
        {
            using var machine = new CachedMachine(new CpuCacheOptions { ChaosSeed = seed });
            Run(machine, new Random(1), 5000, forgets: 3); // with gaps the outcome depends on each eviction
            return Convert.ToHexString(SHA256.HashData(machine.Cpu(0, CachedMachine.Bytes)))
                + Convert.ToHexString(SHA256.HashData(machine.Dram(0, CachedMachine.Bytes)));
        }
    }

    /// <summary>Without any gap in the protocol, stores of other threads near a disturbed line survive.</summary>
    [Fact]
    public void Eviction_loses_no_store_of_another_thread()
    {
        using var machine = new CachedMachine(new CpuCacheOptions { ChaosSeed = 9 });
        Parallel.For(0, 2, thread =>
        {
            for (var round = 1; round <= 20_000; round++)
            {
                var offset = ((round % 32) * 16) + (thread * 8);
                BitConverter.TryWriteBytes(machine.Cpu(offset, 8), (long)round);
                if (thread == 0)
                    machine.Cache.BeforeAccess(CachedMachine.Start, 512);
                Assert.Equal(round, BitConverter.ToInt64(machine.Cpu(offset, 8)));
            }
        });
    }

    /// <summary>Buffers wander between a CPU and a device that does not snoop, and are what a plain array says they are.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="random">The choices.</param>
    /// <param name="operations">How many.</param>
    /// <param name="forgets">1: never cleans; 2: never invalidates after the device; 3: does either only half of the time.</param>
    /// <returns>How often one side saw other bytes than the array holds.</returns>
    private static int Run(CachedMachine machine, Random random, int operations, int forgets)
    {
        var oracle = new byte[Buffers * BufferBytes];
        var isDevices = new bool[Buffers];
        var isUncached = new bool[Buffers / 4];
        var wrong = 0;
        for (var i = 0; i < operations; i++)
        {
            var buffer = random.Next(Buffers);
            var start = buffer * BufferBytes;
            var (offset, length) = (random.Next(BufferBytes - 1), random.Next(1, 200));
            offset += start;
            length = Math.Min(length, start + BufferBytes - offset);
            var bytes = oracle.AsSpan(offset, length);
            var page = buffer / 4; // four buffers to a page, some pages are out of the cache for a while
            switch (random.Next(isUncached[page] ? 8 : 10))
            {
                case < 2:
                    random.NextBytes(bytes);
                    if (isUncached[page])
                        bytes.CopyTo(machine.Dram(offset, length));
                    else if (isDevices[buffer])
                        DeviceWrites(machine, offset, bytes);
                    else
                        bytes.CopyTo(machine.Cpu(offset, length));
                    break;
                case < 4:
                    if (isDevices[buffer] || isUncached[page])
                        machine.Cache.BeforeAccess(CachedMachine.Start + (ulong)offset, (ulong)length);
                    wrong += bytes.SequenceEqual(isDevices[buffer] || isUncached[page] ? machine.Dram(offset, length)
                        : machine.Cpu(offset, length)) ? 0 : 1;
                    break;
                case < 7:
                    if (isUncached[page])
                        break;
                    if (!isDevices[buffer] && forgets != 1 && !(forgets == 3 && random.Next(2) == 0))
                        machine.Clean(start, BufferBytes);
                    if (isDevices[buffer] && forgets != 2 && !(forgets == 3 && random.Next(2) == 0))
                        machine.Invalidate(start, BufferBytes);
                    isDevices[buffer] ^= true;
                    break;
                case < 8 when isDevices.AsSpan(page * 4, 4).Contains(true):
                    break;
                case < 8 when isUncached[page]:
                    machine.Cache.MakeCached(CachedMachine.Range(page * 4096, 4096));
                    isUncached[page] = false;
                    break;
                case < 8:
                    machine.Cache.MakeUncached(CachedMachine.Range(page * 4096, 4096));
                    isUncached[page] = true;
                    break;
                case 8 when !isDevices[buffer]:
                    machine.Cache.Zero(CachedMachine.Start + (ulong)offset, (ulong)length);
                    bytes.Clear();
                    break;
                default:
                    // A device that snoops may use what belongs to the CPU.
                    if (isDevices[buffer])
                        break;
                    random.NextBytes(bytes);
                    machine.Cache.WriteCoherent(CachedMachine.Start + (ulong)offset, bytes);
                    var seen = new byte[length];
                    machine.Cache.ReadCoherent(CachedMachine.Start + (ulong)offset, seen);
                    wrong += bytes.SequenceEqual(seen) ? 0 : 1;
                    break;
            }
        }

        return wrong;
    }

    private static void DeviceWrites(CachedMachine machine, int offset, ReadOnlySpan<byte> bytes)
    {
        machine.Cache.BeforeAccess(CachedMachine.Start + (ulong)offset, (ulong)bytes.Length);
        bytes.CopyTo(machine.Dram(offset, bytes.Length));
    }
}
