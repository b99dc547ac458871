using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.Threading;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Tests.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Translation;

public sealed class MsiSourceTests : IDisposable
{
    private const ulong Frame = 0x0300_0000;

    private readonly PhysicalMemory _memory = new(new MemoryRange(new PhysicalAddress(0x8000_0000), 1 << 20));
    private readonly SystemBus _bus;
    private readonly PageUnit _unit;
    private readonly List<uint> _received = [];
    private readonly MsiSource _source; // through the unit

    public MsiSourceTests()
    {
        _bus = new SystemBus(_memory);
        _bus.Attach(new(Frame), new MessageFrame(64, 32, _received.Add));
        _unit = new PageUnit(_bus) { Otherwise = TranslationStatus.Aborted };
        _source = new MsiSource(new DmaPort(_bus, _unit));
        _source.Configure(new Iova(0x7000 + MessageFrame.SetSpi), 70);
        _source.SetMask(false);
    }

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void A_message_goes_through_the_IOMMU_like_any_write()
    {
        _source.Raise();
        Assert.Equal((0UL, 1UL), (_source.Sent, _source.Lost));
        _unit.Map(0x7000, new(Frame), 4096);
        _source.Raise();
        _source.Raise();
        Assert.Equal([6u, 6u], _received);
        Assert.Equal((2UL, 1UL), (_source.Sent, _source.Lost));
        _unit.Unmap(0x7000);
        _source.Raise();
        Assert.Equal(2UL, _source.Lost);
    }

    [Fact]
    public void A_masked_source_keeps_one_message()
    {
        _unit.Map(0x7000, new(Frame), 4096);
        _source.SetMask(true);
        _source.Raise();
        _source.Raise();
        Assert.True(_source.IsPending);
        Assert.Empty(_received);
        _source.SetMask(false);
        Assert.False(_source.IsPending);
        Assert.Equal([6u], _received);
        _source.SetMask(true);
        _source.Raise();
        _source.Reset();
        _source.SetMask(false);
        Assert.Equal([6u], _received);
    }

    [Fact]
    public void Under_a_lock_messages_wait_and_none_is_lost()
    {
        _unit.Map(0x7000, new(Frame), 4096);
        var unit = new GatedLock(LockRank.Unit);
        using (unit.Hold())
        {
            _source.Raise();
            _source.Raise();
            Assert.Empty(_received);
        }

        Assert.Equal([6u, 6u], _received);
        using (unit.Hold())
        {
            _source.Raise();
            _source.Reset();
        }

        Assert.Equal(2, _received.Count);
    }

    [Fact]
    public void A_frame_takes_its_own_numbers_as_words()
    {
        var port = new DmaPort(_bus);
        foreach (var (number, place) in (ReadOnlySpan<(uint, uint?)>)[(64, 0), (95, 31), (63, null), (96, null), (0, null)])
        {
            _received.Clear();
            Assert.Equal(DmaStatus.Ok, port.Write(new(Frame + MessageFrame.SetSpi), BitConverter.GetBytes(number), out _));
            Assert.Equal(place, _received.Count == 0 ? null : Assert.Single(_received));
        }

        Assert.Equal(DmaStatus.BusError, port.Write(new(Frame + MessageFrame.SetSpi), new byte[2], out _));
        Assert.True(_bus.TryReadRegister(new(Frame + MessageFrame.Type), 4, out var type));
        Assert.Equal((64UL << 16) | 32, type);
        Assert.Throws<ApertureException>(() => new MessageFrame(1000, 25, _received.Add));
        Assert.Throws<ApertureException>(() => new MessageFrame(0, 0, _received.Add));
        Assert.Throws<ApertureException>(() => _source.Configure(new Iova(2), 0));
    }

    [Fact]
    public void Lines_have_names_of_their_own()
    {
        var block = new Block("error", "done");
        Assert.Equal(["error", "done"], block.Interrupts.Select(line => line.Name));
        Assert.Same(block.Interrupts[0], block.Interrupt);
        Assert.Equal("", Assert.Single(new Block().Interrupts).Name);
        Assert.Throws<ApertureException>(() => new Block("a", "b", "a"));
    }

    private sealed class Block(params string[] lines) : BusDevice(lines)
    {
        public override uint Size => 4;

        public override bool TryRead(uint offset, int width, out ulong value)
        {
            value = 0;
            return true;
        }

        public override bool TryWrite(uint offset, int width, ulong value) => true;

        protected override void Reset()
        {
        }
    }
}
