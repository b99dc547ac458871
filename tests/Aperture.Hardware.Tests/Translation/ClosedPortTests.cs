using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Translation;

public sealed class ClosedPortTests : IDisposable
{
    private const ulong Ram = 0x8000_0000;

    private readonly PhysicalMemory _memory = new(new MemoryRange(new PhysicalAddress(Ram), 1 << 20));

    public void Dispose() => _memory.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_closed_port_lets_nothing_through_and_an_open_one_what_it_did_before(bool hasWindows)
    {
        var port = new DmaPort(new SystemBus(_memory))
        {
            Windows = hasWindows ? [new BusWindow(new Iova(0), 0x1000, new PhysicalAddress(Ram))] : [],
        };
        var address = new Iova(hasWindows ? 0 : Ram);
        Assert.Equal(DmaStatus.Ok, port.Write(address, [1, 2, 3, 4], out _));
        port.Close();
        Assert.False(port.Passes(address));
        Assert.Equal(DmaStatus.BusError, port.Write(address, [5, 6, 7, 8], out var written));
        Assert.Equal(DmaStatus.BusError, port.Read(address, new byte[4], out _));
        Assert.Equal(0, written);
        Assert.Equal(1, _memory.Span(new PhysicalAddress(Ram), 1)[0]);
        port.Open();
        var bytes = new byte[4];
        Assert.Equal(DmaStatus.Ok, port.Read(address, bytes, out _));
        Assert.Equal([1, 2, 3, 4], bytes);
        Assert.Equal(hasWindows, port.Windows.Count == 1);
    }

    /// <summary>An access looks at the port when the unit counts it as going on already: one that had passed the door before it was closed
    /// would come through later.</summary>
    [Fact]
    public async Task An_access_that_was_under_way_when_its_port_was_closed_came_through_later()
    {
        var bus = new SystemBus(_memory);
        Task? closing = null;
        DmaPort? port = null;
        port = new DmaPort(bus, new WaitingUnit(bus, () =>
        {
            closing = Task.Run(port!.Close);
            while (port!.Passes(new Iova(Ram)))
                Thread.Yield();
        }));
        Assert.Equal(DmaStatus.BusError, port.Write(new Iova(Ram), [1, 2, 3, 4], out _));
        Assert.Equal(0, _memory.Span(new PhysicalAddress(Ram), 1)[0]);
        await closing!;
    }

    /// <summary>Passes addresses, and lets something happen between the translation and the access.</summary>
    private sealed class WaitingUnit(SystemBus bus, Action between) : TranslationUnit(bus)
    {
        public override uint Size => 0x1000;

        public override int CacheEntries => 0;

        public override TranslationCounters Counters => default;

        protected override void Resolve(in BusRequest request, ref AccessAttempt attempt, out TranslationResult result)
        {
            between();
            result = new TranslationResult(
                TranslationStatus.Ok, new PhysicalAddress(request.Address.Value), request.Length, Protection.ReadWrite);
        }

        protected override bool TryReadRegister(uint offset, int width, out ulong value)
        {
            value = 0;
            return true;
        }

        protected override bool TryWriteRegister(uint offset, int width, ulong value) => true;

        protected override void ResetRegisters()
        {
        }
    }
}
