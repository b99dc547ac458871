using Aperture.Core;
using Aperture.Datasheets.Nic;
using Aperture.Dma.Memory;
using Aperture.Drivers.Nic;
using Aperture.Drivers.Tests.Machine;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Tests.Masters;
using Aperture.Hardware.Translation;
using Model = Aperture.Hardware.Masters.Nic;

namespace Aperture.Drivers.Tests.Nic;

public sealed class NetworkCardTests : IDisposable, IFrameSink
{
    private const ulong Ours = 0x0200_0000_0001;

    private readonly TestMachine _machine = new("1000.ethernet");
    private readonly PageUnit _unit;
    private readonly Model _model;
    private readonly NetworkCard _card;
    private readonly List<byte[]> _received = [];
    private readonly List<byte[]> _wire = [];

    public NetworkCardTests()
    {
        _unit = new PageUnit(_machine.Bus);
        _unit.Map(TestMachine.Ram, new PhysicalAddress(TestMachine.Ram), TestMachine.RamBytes);
        _model = new Model(new DmaPort(_machine.Bus, _unit)) { Link = this };
        _machine.Wire(_model);
        _card = _machine.Bind<NetworkCard>(
            new NicDriver(["test,nic"], new NicOptions { ReceiveRing = 8, TransmitRing = 8, ReceivePages = 8 }));
        _card.Received = frame =>
        {
            _received.Add(frame.Bytes.ToArray());
            frame.Dispose();
        };
    }

    public void Dispose() => _machine.Dispose();

    void IFrameSink.OnFrame(ReadOnlySpan<byte> frame) => _wire.Add(frame.ToArray());

    [Fact]
    public void Frames_come_from_the_wire_in_order_and_pages_are_used_again()
    {
        _card.Open();
        var sent = Enumerable.Range(0, 100).Select(i => Frame(Ours, 14 + (i * 19 % 2030), i)).ToArray();
        foreach (var frame in sent)
            _model.OnFrame(frame);
        Assert.Equal(sent, _received);
        Assert.Equal((100ul, 100ul, 4), (_card.ReceivedFrames, _card.Recycled, _card.MappedPages));
        _card.Close();
        Assert.Equal(0ul, _card.Dropped);
        Assert.Equal(0, _machine.Memory.Taken);
        Assert.True(_machine.IsOff);
    }

    [Fact]
    public void Frames_to_others_are_given_back_unread()
    {
        _card.Address = Ours;
        _card.Open();
        _model.OnFrame(Frame(0x0200_0000_0002, 60, 0));
        _model.OnFrame(Frame(EthernetHeader.Broadcast, 60, 1));
        _model.OnFrame(Frame(Ours, 60, 2));
        _model.OnFrame([1, 2, 3]); // not even a header
        Assert.Equal([Frame(EthernetHeader.Broadcast, 60, 1), Frame(Ours, 60, 2)], _received);
        Assert.Equal((4ul, 2ul), (_card.ReceivedFrames, _card.Filtered));
        _card.Close();
    }

    [Fact]
    public void A_ring_without_buffers_drops_and_recovers()
    {
        var held = new Queue<ReceivedFrame>();
        _card.Received = held.Enqueue;
        _card.Open();
        for (var i = 0; i < 40; i++)
            _model.OnFrame(Frame(Ours, 100, i));
        Assert.Equal(16, held.Count); // 8 pages of 2 halves
        Assert.Equal(Status.Busy, Assert.Throws<ApertureException>(_card.Close).Status);
        Assert.True(_card.IsOpen);
        foreach (var (frame, i) in held.Select((frame, i) => (frame, i)))
            Assert.True(frame.Bytes.SequenceEqual(Frame(Ours, 100, i)));
        while (held.TryDequeue(out var frame))
            frame.Dispose();
        _card.Close();
        Assert.Equal(24ul, _card.Dropped);
        _card.Open();
        _model.OnFrame(Frame(Ours, 100, 9));
        Assert.Single(held).Dispose();
        _card.Close();
        Assert.Equal(0, _machine.Memory.Taken);
    }

    [Fact]
    public void A_frame_goes_out_in_pieces_when_the_card_is_told()
    {
        _card.Open();
        var frame = Frame(2, 1000, 7);
        var (header, payload) = (Block(frame.AsSpan(0, 14)), Block(frame.AsSpan(14)));
        Assert.Equal(Status.Ok, _card.TryQueue(header, payload.Slice(0, 500), payload.Slice(500, 486)));
        Assert.Equal(Status.Ok, _card.TryQueue(Block(frame)));
        Assert.Empty(_wire);
        _card.Kick();
        Assert.Equal([frame, frame], _wire);
        Assert.Equal((2ul, 2ul), (_card.SentFrames, _card.QueuedFrames));
        Assert.True(_card.Interrupts > 0);
        _card.Close();
    }

    [Fact]
    public void A_full_ring_is_busy_and_what_is_not_sent_is_lost_at_the_end()
    {
        _card.Open();
        var block = Block(Frame(2, 60, 0));
        for (var i = 0; i < 8; i++)
            Assert.Equal(Status.Ok, _card.TryQueue(block));
        Assert.Equal(Status.Busy, _card.TryQueue(block));
        _card.Kick();
        Assert.Equal(Status.Ok, _card.TryQueue(block));
        _card.Close();
        Assert.Equal((8ul, 1ul, 9ul), (_card.SentFrames, _card.Lost, _card.QueuedFrames));
        Assert.Equal(Status.Busy, _card.TryQueue(block)); // closed
    }

    [Fact]
    public void Bad_frames_are_refused()
    {
        _card.Open();
        var block = _machine.Memory.Allocate(4096);
        Assert.Equal(Status.InvalidArgument, _card.TryQueue());
        Assert.Equal(Status.InvalidArgument, _card.TryQueue(block.Slice(0, 0)));
        Assert.Equal(Status.InvalidArgument, _card.TryQueue(block.Slice(0, 2049)));
        Assert.Equal(Status.InvalidArgument, _card.TryQueue(Enumerable.Repeat(block.Slice(0, 1), 9).ToArray()));
        Assert.Equal(Status.Busy, Assert.Throws<ApertureException>(() => _card.Open()).Status);
        _card.Close();
        Assert.Equal(0ul, _card.QueuedFrames);
    }

    [Fact]
    public void What_is_received_can_be_answered_from_the_handler()
    {
        var answers = new Stack<MemoryBlock>(Enumerable.Range(0, 8).Select(_ => _machine.Memory.Allocate(2048)));
        _card.Received = frame =>
        {
            var block = answers.Pop().Slice(0, frame.Length);
            frame.Bytes.CopyTo(block.Span);
            frame.Dispose();
            Assert.Equal(Status.Ok, _card.TryQueue(block));
            _card.Kick();
        };
        _card.Open();
        for (var i = 0; i < 8; i++)
            _model.OnFrame(Frame(Ours, 200 + i, i));
        Assert.Equal(Enumerable.Range(0, 8).Select(i => Frame(Ours, 200 + i, i)), _wire);
        Assert.Empty(answers);
        _card.Close();
    }

    [Fact]
    public void A_fault_is_told_and_closing_recovers()
    {
        _card.Open();
        var block = Block(Frame(2, 60, 0));
        _unit.Unmap(block.Address.Value);
        Assert.Equal(Status.Ok, _card.TryQueue(block));
        _card.Kick();
        Assert.Equal($"the transmitter stopped at a read of {new Iova(block.Address.Value)}: Stalled", _card.Failure);
        Assert.Equal(Status.Busy, _card.TryQueue(block));
        _card.Close();
        _unit.Map(block.Address.Value, block.Address, 4096);
        _card.Open();
        Assert.Null(_card.Failure);
        Assert.Equal(Status.Ok, _card.TryQueue(block));
        _card.Kick();
        Assert.Single(_wire);
        _card.Close();
        Assert.Equal((1ul, 1ul), (_card.SentFrames, _card.Lost));
    }

    [Fact]
    public void The_system_sleeps_while_frames_are_held()
    {
        var held = new Queue<ReceivedFrame>();
        _card.Received = held.Enqueue;
        _card.Open();
        _model.OnFrame(Frame(Ours, 100, 1));
        _card.Suspend();
        _model.OnFrame(Frame(Ours, 100, 2)); // it is off
        held.Dequeue().Dispose();
        _card.Resume();
        _model.OnFrame(Frame(Ours, 100, 3));
        using (var frame = Assert.Single(held))
            Assert.Equal(Frame(Ours, 100, 3), frame.Bytes);
        _card.Close();
        Assert.Equal(0, _machine.Memory.Taken);
    }

    [Fact]
    public void Removal_closes_the_card()
    {
        _card.Open();
        _machine.Unbind();
        Assert.True(_machine.IsOff);
        Assert.Equal(0, _machine.Memory.Taken);
    }

    [Fact]
    public void Probe_refuses_another_block_and_rings_that_are_none()
    {
        using var machine = new TestMachine();
        Assert.Equal(Status.NoDevice, Assert.Throws<ApertureException>(() => new NicDriver([]).Probe(machine.Device)).Status);
        machine.Wire(new Hardware.Masters.DmaMaster(new DmaPort(machine.Bus)));
        machine.Device.Power.Get();
        Assert.Contains("not a ring NIC", Assert.Throws<ApertureException>(() => new NicDriver([]).Probe(machine.Device)).Message,
            StringComparison.Ordinal);
        Assert.Equal(Status.InvalidArgument,
            Assert.Throws<ApertureException>(() => new NicDriver([], new NicOptions { ReceiveRing = 48 })).Status);
    }

    [Fact]
    public void A_frame_allocates_nothing()
    {
        _model.Link = null;
        _card.Received = frame => frame.Dispose();
        _card.Open();
        var frame = Frame(Ours, 300, 1);
        MemoryBlock[] pieces = [Block(frame.AsSpan(0, 14)), Block(frame.AsSpan(14))];
        var least = long.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 20; i++)
            {
                _model.OnFrame(frame);
                _card.TryQueue(pieces);
                _card.Kick();
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
        Assert.Equal((100ul, 100ul), (_card.SentFrames, _card.ReceivedFrames));
        _card.Close();
    }

    private static byte[] Frame(ulong to, int length, int seed)
    {
        var frame = new byte[length];
        new Random(seed).NextBytes(frame);
        new EthernetHeader(to, 3, EthernetHeader.Experimental).Write(frame);
        return frame;
    }

    private MemoryBlock Block(ReadOnlySpan<byte> bytes)
    {
        var block = _machine.Memory.Allocate(bytes.Length);
        bytes.CopyTo(block.Span);
        return block;
    }
}
