using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Nic;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;
using R = Aperture.Datasheets.Nic.NicRegisters;

namespace Aperture.Hardware.Tests.Masters;

public sealed class NicModelTests : IDisposable, IFrameSink
{
    private const ulong Ram = 0x8000_0000;
    private const ulong Rx = Ram;               // the receive ring
    private const ulong Tx = Ram + 0x1000;      // the transmit ring
    private const ulong Buffers = Ram + 0x2000; // 2 KiB each
    private const uint RingSize = 4;

    private readonly PhysicalMemory _memory = new(new MemoryRange(new PhysicalAddress(Ram), 1 << 20));
    private readonly PageUnit _unit;
    private readonly SystemBus _bus;
    private Nic _nic; // sends at once, unless a test gives it a pace
    private readonly List<byte[]> _wire = [];

    public NicModelTests()
    {
        _bus = new SystemBus(_memory);
        _unit = new PageUnit(_bus);
        _unit.Map(Ram, new PhysicalAddress(Ram), 1 << 20);
        _nic = new Nic(new DmaPort(_bus, _unit)) { Link = this };
        BringUp();
    }

    private void BringUp()
    {
        Write64(R.ReceiveBase, Rx);
        Write(R.ReceiveSize, RingSize);
        Write64(R.TransmitBase, Tx);
        Write(R.TransmitSize, RingSize);
        Write(R.IrqEnable, (uint)NicInterrupts.All);
        Write(R.Control, (uint)(NicControl.Receive | NicControl.Transmit));
    }

    public void Dispose() => _memory.Dispose();

    void IFrameSink.OnFrame(ReadOnlySpan<byte> frame) => _wire.Add(frame.ToArray());

    [Fact]
    public void Identifies_itself_and_takes_words_only()
    {
        Assert.Equal(R.IdValue, Read(R.Id));
        Assert.Equal(R.VersionValue, Read(R.Version));
        Assert.True(_nic.TryRead(R.ReceiveBase, 8, out var value));
        Assert.Equal(Rx, value);
        Assert.False(_nic.TryRead(R.Id, 2, out _));
        Assert.False(_nic.TryRead(R.Size, 4, out _));
        Assert.False(_nic.TryWrite(R.ReceiveBase + 4, 8, 0));
    }

    [Fact]
    public void A_frame_from_the_wire_is_stored_and_told()
    {
        GiveBuffers(2);
        var frame = Frame(100, 1);
        _nic.OnFrame(frame);
        Assert.Equal(frame, Bytes(Buffers, 100));
        Assert.Equal(0, Bytes(Buffers + 100, 1)[0]);
        var descriptor = NicReceiveDescriptor.Read(Bytes(Rx, 16));
        Assert.True(descriptor.IsDone);
        Assert.Equal(100, descriptor.Length);
        Assert.Equal((1u, 1u, NicInterrupts.Received), (Read(R.ReceiveHead), Read(R.Received), Pending));
        Assert.True(_nic.Interrupt.IsAsserted);
        Write(R.IrqStatus, (uint)NicInterrupts.Received);
        Assert.False(_nic.Interrupt.IsAsserted);
    }

    [Fact]
    public void Frames_without_a_buffer_are_dropped_and_counted()
    {
        GiveBuffers(1, capacity: 64);
        _nic.OnFrame(Frame(65, 1)); // too long for it: the buffer stays
        _nic.OnFrame(Frame(64, 2));
        _nic.OnFrame(Frame(10, 3));
        Assert.Equal(Frame(64, 2), Bytes(Buffers, 64));
        Assert.Equal((2u, 1u), (Read(R.Dropped), Read(R.Received)));
        Assert.Equal(NicInterrupts.Received | NicInterrupts.Dropped, Pending);
    }

    [Fact]
    public void The_rings_go_round_and_their_counts_wrap()
    {
        for (uint i = 0; i < 11; i++)
        {
            GiveBuffers(1, first: i);
            _nic.OnFrame(Frame(20, (byte)i));
            Assert.Equal(Frame(20, (byte)i), Bytes(Buffers + (i % RingSize * 2048), 20));
            Queue(i, true, (Buffers + (i % RingSize * 2048), 20));
            Assert.Equal(Frame(20, (byte)i), _wire[^1]);
        }

        Assert.Equal((11u, 11u, 11u), (Read(R.ReceiveHead), Read(R.TransmitHead), Read(R.Sent)));
    }

    [Fact]
    public void A_frame_is_gathered_from_its_fragments_once_it_is_whole()
    {
        Frame(300, 5).CopyTo(Bytes(Buffers, 300));
        Queue(0, false, (Buffers, 14), (Buffers + 14, 200));
        Assert.Empty(_wire);
        Queue(2, true, (Buffers + 214, 86));
        Assert.Equal(Frame(300, 5), Assert.Single(_wire));
        for (var i = 0; i < 3; i++)
            Assert.Equal((true, i == 2), (Descriptor(i).IsDone, Descriptor(i).IsEnd));
        Assert.Equal(NicInterrupts.Sent, Pending);
    }

    /// <summary>Two frames of 100 bytes fill a slice of 128.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void In_slices_frames_are_sent_until_one_fills_the_slice(bool isReset)
    {
        var time = new SteppedTime();
        _nic = new Nic(new DmaPort(_bus, _unit)) { Link = this, Pace = new MasterPace(time, 128, TimeSpan.FromMicroseconds(1)) };
        BringUp();
        for (uint i = 0; i < 3; i++)
        {
            Frame(100, (byte)i).CopyTo(Bytes(Buffers + (i * 128), 100));
            new NicTransmitDescriptor(Buffers + (i * 128), 100, NicTransmitDescriptor.End).Write(Bytes(Tx + (i * 16), 16));
        }

        Write(R.TransmitTail, 2);
        Assert.Equal(2, _wire.Count); // both: nothing was left to pause for
        Assert.False(time.Step());
        Write(R.TransmitTail, 3);
        Assert.Equal(3, _wire.Count);

        Frame(100, 9).CopyTo(Bytes(Buffers, 100));
        for (uint i = 3; i < 6; i++)
            new NicTransmitDescriptor(Buffers, 100, NicTransmitDescriptor.End).Write(Bytes(Tx + (i % RingSize * 16), 16));
        Write(R.TransmitTail, 6);
        Assert.Equal((5, 5u), (_wire.Count, Read(R.TransmitHead)));
        Write(R.TransmitTail, 6); // the next slice sees it
        Assert.Equal(5, _wire.Count);
        if (isReset)
            _nic.SetReset(true);
        Assert.Equal(!isReset, time.Step());
        Assert.Equal(isReset ? 5 : 6, _wire.Count);
        Assert.False(time.Step());
    }

    [Fact]
    public void In_loopback_the_card_hears_itself_and_nobody_else()
    {
        GiveBuffers(2);
        Write(R.Control, (uint)(NicControl.Receive | NicControl.Transmit | NicControl.Loopback));
        _nic.OnFrame(Frame(20, 9));
        Frame(50, 6).CopyTo(Bytes(Buffers + 4096, 50));
        Queue(0, true, (Buffers + 4096, 50));
        Assert.Empty(_wire);
        Assert.Equal(Frame(50, 6), Bytes(Buffers, 50));
        Assert.Equal((1u, 0u), (Read(R.Received), Read(R.Dropped)));
    }

    [Theory]
    [InlineData(TranslationStatus.Stalled, NicError.Stalled)]
    [InlineData(TranslationStatus.Aborted, NicError.Refused)]
    public void A_fault_stops_the_engine_with_its_address_until_a_reset(TranslationStatus otherwise, NicError error)
    {
        _unit.Otherwise = otherwise;
        _unit.Unmap(Buffers);
        GiveBuffers(2);
        _nic.OnFrame(Frame(20, 1));
        Assert.Equal(new NicStatus(NicStatus.ReceiverBit | NicStatus.WriteBit | ((uint)error << 4)), Status);
        Assert.Equal((Buffers, NicInterrupts.Error), (Read64(R.FaultAddress), Pending));
        _unit.Map(Buffers, new PhysicalAddress(Buffers), 4096);
        _nic.OnFrame(Frame(20, 1));
        Assert.Equal(0u, Read(R.Received)); // stopped

        Queue(0, true, (Buffers + 0x10_0000, 8));
        Assert.True(Status is { ReceiverStopped: true, TransmitterStopped: true, IsWrite: false, IsDescriptor: false });
        Assert.Equal(Buffers + 0x10_0000, Read64(R.FaultAddress));
        Write(R.Control, (uint)NicControl.Reset);
        Assert.Equal((0u, 0u, 0u), (Status.Value, Read(R.Control), Read(R.ReceiveSize)));
        Assert.False(_nic.Interrupt.IsAsserted);
    }

    [Fact]
    public void A_ring_that_is_not_mapped_is_told_as_such()
    {
        Write64(R.TransmitBase, 0x1000);
        Write(R.TransmitTail, 1);
        Assert.True(Status is { TransmitterStopped: true, ReceiverStopped: false, IsDescriptor: true, Error: NicError.Stalled });
        Assert.Equal(0x1000u, Read64(R.FaultAddress));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(2049u)]
    public void A_frame_of_a_bad_length_stops_the_transmitter(uint length)
    {
        Queue(0, true, (Buffers, length));
        Assert.Equal((NicError.BadFrame, true), (Status.Error, Status.TransmitterStopped));
        Assert.Empty(_wire);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(3u)]
    [InlineData(8192u)]
    public void A_bad_ring_stops_its_engine(uint size)
    {
        Write(R.Control, 0);
        Write(R.ReceiveSize, size);
        Write(R.Control, (uint)(NicControl.Receive | NicControl.Transmit));
        Assert.True(Status is { Error: NicError.BadRing, ReceiverStopped: true, TransmitterStopped: false });
        _nic.OnFrame(Frame(20, 1));
        Assert.Equal(0u, Read(R.Dropped));
    }

    [Fact]
    public void A_reset_below_an_access_ends_what_goes_on()
    {
        _unit.Unmap(Buffers);
        _unit.OnFault = _ =>
        {
            Write(R.Control, (uint)NicControl.Reset);
            _unit.Map(Buffers, new PhysicalAddress(Buffers), 4096);
            return true;
        };
        GiveBuffers(1);
        _nic.OnFrame(Frame(20, 1));
        Assert.Equal((0u, 0u, NicInterrupts.None), (Read(R.Received), Read(R.ReceiveHead), Pending));
    }

    [Fact]
    public void Without_power_nothing_answers_and_nothing_is_stored()
    {
        GiveBuffers(1);
        _nic.SetPower(false);
        _nic.OnFrame(Frame(20, 1));
        Assert.False(_nic.TryRead(R.Id, 4, out _));
        _nic.SetPower(true);
        Assert.Equal(0, Bytes(Buffers, 1)[0]);
        Assert.Equal(0u, Read(R.ReceiveTail));
    }

    [Fact]
    public void A_frame_allocates_nothing()
    {
        _nic.Link = null;
        GiveBuffers(4);
        Queue(0, true, (Buffers, 20));
        var frame = Frame(500, 1);
        _nic.OnFrame(frame);
        var before = GC.GetAllocatedBytesForCurrentThread();
        _nic.OnFrame(frame);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private NicInterrupts Pending => (NicInterrupts)Read(R.IrqStatus);

    private NicStatus Status => new(Read(R.Status));

    private static byte[] Frame(int length, byte seed)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
            bytes[i] = (byte)((i * 7) + seed + 1);
        return bytes;
    }

    private void GiveBuffers(uint count, uint first = 0, uint capacity = 2048)
    {
        for (var i = first; i < first + count; i++)
            new NicReceiveDescriptor(Buffers + (i % RingSize * 2048), capacity, 0).Write(Bytes(Rx + (i % RingSize * 16), 16));
        Write(R.ReceiveTail, first + count);
    }

    private void Queue(uint first, bool isWhole, params (ulong Address, uint Length)[] fragments)
    {
        for (uint i = 0; i < fragments.Length; i++)
            new NicTransmitDescriptor(fragments[i].Address, fragments[i].Length, isWhole && i == fragments.Length - 1
                ? NicTransmitDescriptor.End : 0).Write(Bytes(Tx + ((first + i) % RingSize * 16), 16));
        Write(R.TransmitTail, first + (uint)fragments.Length);
    }

    private NicTransmitDescriptor Descriptor(int index) => NicTransmitDescriptor.Read(Bytes(Tx + ((ulong)index * 16), 16));

    private Span<byte> Bytes(ulong address, int length) => _memory.Span(new PhysicalAddress(address), length);

    private void Write(uint offset, uint value) => Assert.True(_nic.TryWrite(offset, 4, value));

    private void Write64(uint offset, ulong value) => Assert.True(_nic.TryWrite(offset, 8, value));

    private uint Read(uint offset)
    {
        Assert.True(_nic.TryRead(offset, 4, out var value));
        return (uint)value;
    }

    private ulong Read64(uint offset)
    {
        Assert.True(_nic.TryRead(offset, 8, out var value));
        return value;
    }
}
