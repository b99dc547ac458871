using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Sd;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;
using R = Aperture.Datasheets.Sd.SdhciRegisters;

namespace Aperture.Hardware.Tests.Masters;

/// <summary>A transfer of an SD host in slices of two blocks.</summary>
public sealed class SdHostSliceTests : IDisposable
{
    private const uint Ram = 0x8000_0000;
    private const uint Data = Ram + 0x10000;
    private const int Blocks = 7;

    private readonly PhysicalMemory _memory = new(new MemoryRange(new PhysicalAddress(Ram), 1 << 20));
    private readonly byte[] _image = new byte[1 << 20];
    private readonly SteppedTime _time = new();
    private readonly SdHost _host;

    public SdHostSliceTests()
    {
        new Random(2).NextBytes(_image);
        _host = new SdHost(new DmaPort(new SystemBus(_memory)), new SdCard(_image))
        {
            Pace = new MasterPace(_time, 1024, TimeSpan.FromMicroseconds(1))
        };
        BringUp();
    }

    private SdhciInterrupts Pending => (SdhciInterrupts)Read(R.InterruptStatus);

    private bool IsInUse => (Read(R.PresentState) & R.DataInUse) != 0;

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void The_data_lines_are_in_use_until_the_last_slice()
    {
        Start(SdCommand.ReadMultiple, SdhciTransferMode.Read);
        for (var moved = 2; moved < Blocks; moved += 2)
        {
            Assert.True(IsInUse);
            Assert.Equal(SdhciInterrupts.CommandComplete, Pending);
            Assert.Equal(moved * 512, Moved());
            Assert.True(_time.Step());
        }

        Assert.False(IsInUse);
        Assert.Equal(SdhciInterrupts.CommandComplete | SdhciInterrupts.TransferComplete, Pending);
        Assert.Equal(Blocks * 512, Moved());
        Assert.Equal(SdCardState.Transfer, _host.Card!.State);
        Assert.False(_time.Step());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void A_reset_of_the_data_lines_ends_the_transfer_at_its_slice(int after)
    {
        Start(SdCommand.ReadMultiple, SdhciTransferMode.Read);
        for (var i = 0; i < after; i++)
            _time.Step();
        Write(R.ClockControl, R.ResetData | R.InternalClock | R.CardClock);
        Assert.False(IsInUse);
        Assert.False(_time.Step());
        Assert.Equal((after + 1) * 1024, Moved());
        Assert.Equal(SdhciInterrupts.None, Pending & (SdhciInterrupts.TransferComplete | SdhciInterrupts.Error));

        // Software stops the card, and the next transfer is one as ever.
        Write(R.Argument, 0);
        Write(R.Command, SdhciCommand.For(SdCommand.StopTransmission, SdhciCommand.BusyResponse).Value << 16);
        Write(R.InterruptStatus, (uint)SdhciInterrupts.All);
        _memory.Span(new(Data), Blocks * 512).Clear();
        Start(SdCommand.ReadMultiple, SdhciTransferMode.Read);
        while (_time.Step())
        {
        }

        Assert.Equal(Blocks * 512, Moved());
    }

    [Fact]
    public void A_second_command_with_data_is_not_taken_and_one_without_is()
    {
        Start(SdCommand.ReadMultiple, SdhciTransferMode.Read);
        Write(R.Argument, 500);
        Write(R.Command, (uint)SdhciTransferMode.Dma
            | (SdhciCommand.For(SdCommand.WriteSingle, SdhciCommand.ShortResponse, hasData: true).Value << 16));
        while (_time.Step())
        {
        }

        Assert.Equal(Blocks * 512, Moved());
        Assert.Equal(SdhciInterrupts.CommandComplete | SdhciInterrupts.TransferComplete, Pending);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_reset_or_a_loss_of_power_in_the_middle_leaves_nothing_behind(bool isPower)
    {
        Start(SdCommand.ReadMultiple, SdhciTransferMode.Read);
        if (isPower)
            _host.SetPower(false);
        else
            Write(R.ClockControl, R.ResetAll);
        Assert.False(_time.Step());
        _host.SetPower(true);
        Assert.False(IsInUse);
        Assert.Equal(1024, Moved());
        BringUp();
        Start(SdCommand.ReadMultiple, SdhciTransferMode.Read);
        while (_time.Step())
        {
        }

        Assert.Equal(Blocks * 512, Moved());
    }

    [Fact]
    public void A_write_takes_what_memory_holds_when_its_slice_comes()
    {
        var bytes = _memory.Span(new(Data), Blocks * 512);
        bytes.Fill(1);
        Start(SdCommand.WriteMultiple, SdhciTransferMode.None);
        bytes.Fill(2);
        while (_time.Step())
        {
        }

        Assert.Equal((1, 2), (_image[(9 * 512) + 1023], _image[(9 * 512) + 1024]));
        Assert.Equal(2, _image[((9 + Blocks) * 512) - 1]);
    }

    private void BringUp()
    {
        Write(R.ClockControl, R.InternalClock | R.CardClock);
        Write(R.HostControl, R.DmaSelectAdma2 | R.BusPower | R.Voltage33);
        Write(R.InterruptEnable, (uint)SdhciInterrupts.All);
        Write(R.SignalEnable, (uint)SdhciInterrupts.All);
        Send(SdCommand.GoIdle, 0, SdhciCommand.NoResponse);
        Send(SdCommand.Application, 0, SdhciCommand.ShortResponse);
        Send(SdCommand.SendOperatingConditions, SdCardFacts.OcrHighCapacity | SdCardFacts.OcrVoltages, SdhciCommand.ShortResponse);
        Send(SdCommand.AllSendIdentification, 0, SdhciCommand.LongResponse);
        Send(SdCommand.SendRelativeAddress, 0, SdhciCommand.ShortResponse);
        Send(SdCommand.Select, Read(R.Response) & 0xFFFF_0000, SdhciCommand.BusyResponse);
        Assert.Equal(SdCardState.Transfer, _host.Card!.State);
        Write(R.InterruptStatus, (uint)SdhciInterrupts.All);
    }

    private void Send(SdCommand command, uint argument, uint response)
    {
        Write(R.Argument, argument);
        Write(R.Command, SdhciCommand.For(command, response).Value << 16);
    }

    private void Start(SdCommand command, SdhciTransferMode direction)
    {
        SdhciAdmaDescriptor.ForTransfer(Data, Blocks * 512, isEnd: true).Write(_memory.Span(new(Ram), SdhciAdmaDescriptor.Size));
        Write(R.AdmaAddress, Ram);
        Write(R.Block, 512 | (Blocks << 16));
        Write(R.Argument, 9);
        var mode = SdhciTransferMode.Dma | SdhciTransferMode.MultiBlock | SdhciTransferMode.CountBlocks | SdhciTransferMode.AutoStop
            | direction;
        Write(R.Command, (uint)mode | (SdhciCommand.For(command, SdhciCommand.ShortResponse, hasData: true).Value << 16));
    }

    private int Moved() => _memory.Span(new(Data), Blocks * 512).CommonPrefixLength(_image.AsSpan(9 * 512, Blocks * 512));

    private uint Read(uint offset)
    {
        Assert.True(_host.TryRead(offset, 4, out var value));
        return (uint)value;
    }

    private void Write(uint offset, uint value) => Assert.True(_host.TryWrite(offset, 4, value));
}
