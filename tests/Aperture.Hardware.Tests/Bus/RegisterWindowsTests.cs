using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Hardware.Bus;
using Xunit.Abstractions;

namespace Aperture.Hardware.Tests.Bus;

/// <summary>Many blocks of registers, in any order, against a plain list of them.</summary>
public sealed class RegisterWindowsTests(ITestOutputHelper output)
{
    [Fact]
    public void A_block_is_taken_when_nothing_of_it_is_taken_and_answers_where_it_is()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var round = 0; round < 20; round++)
        {
            using var memory = new PhysicalMemory(new MemoryRange(new PhysicalAddress(0x8000_0000), 1 << 16));
            var bus = new SystemBus(memory);
            var owners = new Registers?[0x400];
            var taken = 0;
            for (var i = 0; i < 200; i++)
            {
                var block = new Registers((uint)random.Next(1, 0x40));
                var at = random.Next(0x3C0);
                var place = owners.AsSpan(at, (int)block.Size);
                if (place.IndexOfAnyExcept((Registers?)null) >= 0)
                {
                    Assert.Equal(Status.AlreadyExists,
                        Assert.Throws<ApertureException>(() => bus.Attach(new((ulong)at), block)).Status);
                    continue;
                }

                bus.Attach(new((ulong)at), block);
                place.Fill(block);
                taken++;
            }

            Assert.InRange(taken, 5, 199);
            for (var at = 0; at < owners.Length; at++)
            {
                Assert.Equal(owners[at] is not null, bus.TryFindDevice(new((ulong)at), out var found, out _));
                Assert.Same(owners[at], found);
            }
        }
    }

    private sealed class Registers(uint size) : IMmioDevice
    {
        public uint Size => size;

        public bool TryRead(uint offset, int width, out ulong value)
        {
            value = offset;
            return true;
        }

        public bool TryWrite(uint offset, int width, ulong value) => true;
    }
}
