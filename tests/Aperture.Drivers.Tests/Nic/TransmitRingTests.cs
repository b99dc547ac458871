using Aperture.Core;
using Aperture.Dma.Memory;
using Aperture.Drivers.Nic;
using Aperture.Drivers.Tests.Machine;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;
using Model = Aperture.Hardware.Masters.Nic;

namespace Aperture.Drivers.Tests.Nic;

/// <summary>A ring that is full to the last place, and that wraps.</summary>
public sealed class TransmitRingTests : IFrameSink
{
    private readonly List<byte[]> _wire = [];

    void IFrameSink.OnFrame(ReadOnlySpan<byte> frame) => _wire.Add(frame.ToArray());

    /// <summary>A frame of <paramref name="fragments"/> when there is a place less for it than it needs, and when there are just
    /// enough.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    public void A_frame_is_queued_when_all_of_it_has_a_place(int fragments)
    {
        const int Ring = 8;
        using var machine = new TestMachine("1000.ethernet");
        machine.Wire(new Model(new DmaPort(machine.Bus)) { Link = this });
        var card = machine.Bind<NetworkCard>(new NicDriver(["test,nic"], new NicOptions { ReceiveRing = 8, TransmitRing = Ring }));
        card.Open();
        MemoryBlock[] pieces = [.. Enumerable.Range(0, fragments).Select(i => Piece((byte)(0xA0 + i)))];
        var expected = new List<byte[]>();
        for (var round = 0; round < 5; round++) // from another place of the ring each time
        {
            for (var i = 0; i < Ring - fragments + 1; i++)
                Queue((byte)((round * 16) + i));
            Assert.Equal(Status.Busy, card.TryQueue(pieces));
            card.Kick();
            for (var i = 0; i < Ring - fragments; i++)
                Queue((byte)((round * 16) + 8 + i));
            Assert.Equal(Status.Ok, card.TryQueue(pieces));
            expected.Add([.. pieces.SelectMany(piece => piece.Span.ToArray())]);
            Assert.Equal(Status.Busy, card.TryQueue(pieces[0]));
            card.Kick();
            Assert.Equal(expected, _wire);
        }

        card.Close();

        MemoryBlock Piece(byte value)
        {
            var block = machine.Memory.Allocate(4096).Slice(0, 60);
            block.Span.Fill(value);
            return block;
        }

        void Queue(byte value)
        {
            var block = Piece(value);
            expected.Add(block.Span.ToArray());
            Assert.Equal(Status.Ok, card.TryQueue(block));
        }
    }
}
