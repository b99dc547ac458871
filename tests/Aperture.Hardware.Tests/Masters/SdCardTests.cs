using Aperture.Core;
using Aperture.Datasheets.Sd;
using Aperture.Hardware.Masters;

namespace Aperture.Hardware.Tests.Masters;

public sealed class SdCardTests
{
    private const uint Address = 1 << 16;

    private readonly byte[] _image = new byte[1 << 20];
    private readonly SdCard _card;
    private readonly uint[] _response = new uint[4];

    public SdCardTests()
    {
        new Random(1).NextBytes(_image);
        _card = new SdCard(_image);
    }

    [Fact]
    public void Comes_up_step_by_step_and_tells_its_size()
    {
        Assert.True(Send(SdCommand.SendInterfaceCondition, 0x1AA));
        Assert.Equal(0x1AAu, _response[0]);
        Assert.False(Send(SdCommand.SendOperatingConditions, SdCardFacts.OcrHighCapacity | SdCardFacts.OcrVoltages)); // not without CMD55
        Assert.True(Send(SdCommand.Application, 0));
        Assert.True(Send(SdCommand.SendOperatingConditions, 0)); // asks only
        Assert.Equal(SdCardFacts.OcrVoltages, _response[0]);
        Assert.Equal(SdCardState.Idle, _card.State);
        BringUp();
        Assert.Equal(SdCardState.Transfer, _card.State);
        Assert.True(Send(SdCommand.SendStatus, Address));
        Assert.Equal(4u << SdCardFacts.StatusStateShift, _response[0]);
        Assert.True(Send(SdCommand.SetBlockLength, 512));
    }

    [Fact]
    public void Commands_of_another_state_are_not_answered()
    {
        Assert.False(Send(SdCommand.ReadSingle, 0));
        Assert.False(Send(SdCommand.AllSendIdentification, 0));
        Assert.False(Send(SdCommand.Select, Address));
        BringUp();
        Assert.False(Send(SdCommand.SendCardData, Address));
        Assert.False(Send(SdCommand.StopTransmission, 0));
        Assert.False(Send((SdCommand)60, 0));
        Assert.False(Send(SdCommand.Select, 0)); // deselected
        Assert.Equal(SdCardState.Standby, _card.State);
        Assert.True(Send(SdCommand.GoIdle, 0));
        Assert.Equal(SdCardState.Idle, _card.State);
    }

    [Fact]
    public void Blocks_are_read_and_written()
    {
        BringUp();
        var blocks = new byte[3 * 512];
        Assert.False(_card.TryRead(blocks)); // no command
        Assert.True(Send(SdCommand.ReadMultiple, 7));
        Assert.True(_card.TryRead(blocks.AsSpan(0, 1024)));
        Assert.True(_card.TryRead(blocks.AsSpan(1024)));
        Assert.False(_card.TryWrite(blocks)); // it reads
        Assert.Equal(_image.AsSpan(7 * 512, blocks.Length).ToArray(), blocks);
        Assert.True(Send(SdCommand.StopTransmission, 0));
        Assert.True(Send(SdCommand.WriteSingle, 100));
        Assert.False(_card.TryWrite(blocks)); // one block only
        Assert.False(_card.TryWrite(blocks.AsSpan(0, 100)));
        Assert.True(_card.TryWrite(blocks.AsSpan(0, 512)));
        _card.EndOfData();
        Assert.Equal(SdCardState.Transfer, _card.State);
        Assert.Equal(_image.AsSpan(100 * 512, 512), blocks.AsSpan(0, 512));
    }

    [Fact]
    public void The_end_is_the_end()
    {
        BringUp();
        Assert.True(Send(SdCommand.ReadSingle, 2048));
        Assert.Equal(SdCardFacts.StatusOutOfRange, _response[0] & SdCardFacts.StatusErrors);
        Assert.Equal(SdCardState.Transfer, _card.State);
        Assert.True(Send(SdCommand.ReadMultiple, 2047));
        Assert.False(_card.TryRead(new byte[1024]));
        Assert.True(_card.TryRead(new byte[512]));
        Assert.False(_card.TryRead(new byte[512]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(512)]
    [InlineData((512 << 10) + 1)]
    public void An_image_is_a_multiple_of_its_unit(int bytes) =>
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => new SdCard(new byte[bytes])).Status);

    private void BringUp()
    {
        Assert.True(Send(SdCommand.GoIdle, 0));
        Assert.True(Send(SdCommand.Application, 0));
        Assert.True(Send(SdCommand.SendOperatingConditions, SdCardFacts.OcrHighCapacity | SdCardFacts.OcrVoltages));
        Assert.Equal(SdCardFacts.OcrReady, _response[0] & SdCardFacts.OcrReady);
        Assert.True(Send(SdCommand.AllSendIdentification, 0));
        Assert.True(Send(SdCommand.SendRelativeAddress, 0));
        Assert.Equal(Address, _response[0] & 0xFFFF_0000);
        Assert.True(Send(SdCommand.SendCardData, Address));
        Assert.Equal(2048, SdCardFacts.BlocksOf(_response[1]));
        Assert.True(Send(SdCommand.Select, Address));
    }

    private bool Send(SdCommand command, uint argument) => _card.TryCommand(command, argument, _response);
}
