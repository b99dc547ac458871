using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Sd;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;
using R = Aperture.Datasheets.Sd.SdhciRegisters;

namespace Aperture.Hardware.Tests.Masters;

public sealed class SdHostTests : IDisposable
{
    private const uint Ram = 0x8000_0000;
    private const uint Table = Ram;
    private const uint Data = Ram + 0x10000;
    private const SdhciTransferMode Single = SdhciTransferMode.Dma;
    private const SdhciTransferMode Multi = SdhciTransferMode.Dma | SdhciTransferMode.MultiBlock | SdhciTransferMode.CountBlocks
        | SdhciTransferMode.AutoStop;

    private readonly PhysicalMemory _memory = new(new MemoryRange(new PhysicalAddress(Ram), 1 << 20));
    private readonly byte[] _image = new byte[1 << 20];
    private readonly PageUnit _unit;
    private readonly SdHost _host;

    public SdHostTests()
    {
        new Random(2).NextBytes(_image);
        var bus = new SystemBus(_memory);
        _unit = new PageUnit(bus);
        _unit.Map(Ram, new PhysicalAddress(Ram), 1 << 20);
        _host = new SdHost(new DmaPort(bus, _unit), new SdCard(_image));
        BringUp();
    }

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void Tells_what_it_is_and_takes_words_only()
    {
        Assert.Equal(R.CanAdma2, Read(R.Capabilities) & (R.CanAdma2 | (1u << 28)));
        Assert.Equal(R.Version300, Read(R.Version));
        Assert.Equal(R.CardInserted, Read(R.PresentState));
        Assert.Equal(R.ClockStable, Read(R.ClockControl) & R.ClockStable);
        Assert.False(_host.TryRead(R.Block, 2, out _));
        Assert.False(_host.TryWrite(R.Block, 8, 0));
        Assert.False(_host.TryRead(R.Size, 4, out _));
    }

    [Fact]
    public void Reads_blocks_to_where_the_table_says()
    {
        Describe((Data, 100, true), (Data + 0x1000, 412, true), (0, 4, false), (Data + 0x2000, 512 * 2, true));
        Transfer(SdCommand.ReadMultiple, 9, 3, Multi | SdhciTransferMode.Read);
        Assert.Equal(SdhciInterrupts.CommandComplete | SdhciInterrupts.TransferComplete, Pending);
        Assert.True(_host.Interrupt.IsAsserted);
        Assert.Equal(_image.AsSpan(9 * 512, 100), Bytes(Data, 100));
        Assert.Equal(_image.AsSpan((9 * 512) + 100, 412), Bytes(Data + 0x1000, 412));
        Assert.Equal(_image.AsSpan(10 * 512, 1024), Bytes(Data + 0x2000, 1024));
        Assert.Equal(SdCardState.Transfer, _host.Card!.State);
        Write(R.InterruptStatus, (uint)SdhciInterrupts.All);
        Assert.False(_host.Interrupt.IsAsserted);
    }

    [Fact]
    public void Writes_blocks_from_where_the_table_says()
    {
        new Random(5).NextBytes(Bytes(Data, 512));
        Describe((Data, 512, true));
        Transfer(SdCommand.WriteSingle, 77, 1, Single);
        Assert.Equal(SdhciInterrupts.CommandComplete | SdhciInterrupts.TransferComplete, Pending);
        Assert.Equal(Bytes(Data, 512), _image.AsSpan(77 * 512, 512));
        Assert.Equal(SdCardState.Transfer, _host.Card!.State);
    }

    [Fact]
    public void A_table_goes_on_elsewhere_by_a_link_and_tells_of_a_descriptor()
    {
        new SdhciAdmaDescriptor(((ulong)(Table + 0x800) << 32) | SdhciAdmaDescriptor.Link | SdhciAdmaDescriptor.Valid)
            .Write(Bytes(Table, 8));
        new SdhciAdmaDescriptor(SdhciAdmaDescriptor.ForTransfer(Data, 512, true).Value | SdhciAdmaDescriptor.Int)
            .Write(Bytes(Table + 0x800, 8));
        Transfer(SdCommand.ReadSingle, 3, 1, Single | SdhciTransferMode.Read);
        Assert.Equal(SdhciInterrupts.CommandComplete | SdhciInterrupts.TransferComplete | SdhciInterrupts.Dma, Pending);
        Assert.Equal(_image.AsSpan(3 * 512, 512), Bytes(Data, 512));
    }

    [Fact]
    public void A_length_of_zero_is_64_KiB()
    {
        Assert.Equal(65536, SdhciAdmaDescriptor.ForTransfer(Data, 65536, true).Length);
        Describe((Data, 65536, true));
        Transfer(SdCommand.ReadMultiple, 0, 128, Multi | SdhciTransferMode.Read);
        Assert.Equal(_image.AsSpan(0, 65536), Bytes(Data, 65536));
    }

    [Fact]
    public void A_table_that_is_too_short_is_an_error()
    {
        Describe((Data, 500, true));
        Transfer(SdCommand.ReadSingle, 0, 1, Single | SdhciTransferMode.Read);
        AssertAdmaError(SdhciAdmaError.Transferring | SdhciAdmaError.LengthMismatch, Table + 8);
    }

    [Fact]
    public void A_descriptor_that_is_not_valid_is_an_error_at_its_address()
    {
        Describe((Data, 256, true));
        Bytes(Table, 8)[0] = (byte)(SdhciAdmaDescriptor.Transfer | SdhciAdmaDescriptor.Valid); // not the end
        Bytes(Table + 8, 8).Clear();
        Transfer(SdCommand.ReadSingle, 0, 1, Single | SdhciTransferMode.Read);
        AssertAdmaError(SdhciAdmaError.Fetching, Table + 8);
    }

    [Fact]
    public void A_table_that_links_to_itself_ends()
    {
        new SdhciAdmaDescriptor(((ulong)Table << 32) | SdhciAdmaDescriptor.Link | SdhciAdmaDescriptor.Valid).Write(Bytes(Table, 8));
        Transfer(SdCommand.ReadSingle, 0, 1, Single | SdhciTransferMode.Read);
        AssertAdmaError(SdhciAdmaError.Fetching, Table);
    }

    [Theory]
    [InlineData(TranslationStatus.Stalled)]
    [InlineData(TranslationStatus.Aborted)]
    public void Accesses_that_a_unit_keeps_are_errors(TranslationStatus otherwise)
    {
        _unit.Otherwise = otherwise;
        Describe((Data, 256, true), (Ram - 0x1000, 256, true));
        Transfer(SdCommand.ReadMultiple, 0, 1, Multi | SdhciTransferMode.Read);
        AssertAdmaError(SdhciAdmaError.Transferring, Table + 16);
        Assert.Equal(_image.AsSpan(0, 256), Bytes(Data, 256));
        Write(R.InterruptStatus, (uint)SdhciInterrupts.All);
        Write(R.AdmaAddress, Ram - 0x1000);
        Transfer(SdCommand.ReadMultiple, 0, 1, Multi | SdhciTransferMode.Read, table: Ram - 0x1000);
        AssertAdmaError(SdhciAdmaError.Fetching, Ram - 0x1000);
    }

    [Fact]
    public void Without_a_card_power_or_clock_nobody_answers()
    {
        Write(R.ClockControl, R.InternalClock);
        Command(SdCommand.SendStatus, 1 << 16, SdhciCommand.ShortResponse);
        Assert.Equal(SdhciInterrupts.Error | SdhciInterrupts.CommandTimeout, Pending);
        var empty = new SdHost(new DmaPort(new SystemBus(_memory)), null);
        Assert.True(empty.TryRead(R.PresentState, 4, out var state));
        Assert.Equal(0u, state);
    }

    [Fact]
    public void Power_and_reset_take_the_card_along()
    {
        Write(R.HostControl, 0);
        Assert.Equal(SdCardState.Idle, _host.Card!.State);
        BringUp();
        Write(R.ClockControl, R.ResetAll);
        Assert.Equal((SdCardState.Idle, 0u, 0u), (_host.Card.State, Read(R.HostControl), Read(R.InterruptEnable)));
    }

    [Fact]
    public void Transfers_without_ADMA2_or_of_other_blocks_time_out()
    {
        Describe((Data, 512, true));
        Transfer(SdCommand.ReadSingle, 0, 1, SdhciTransferMode.Read);
        Assert.Equal(SdhciInterrupts.CommandComplete | SdhciInterrupts.Error | SdhciInterrupts.DataTimeout, Pending);
        Write(R.InterruptStatus, (uint)SdhciInterrupts.All);
        Transfer(SdCommand.ReadMultiple, 2047, 2, Multi | SdhciTransferMode.Read); // the card ends before
        Assert.Equal(SdhciInterrupts.CommandComplete | SdhciInterrupts.Error | SdhciInterrupts.DataTimeout, Pending);
    }

    [Fact]
    public void A_reset_below_an_access_ends_what_goes_on()
    {
        _unit.Unmap(Data);
        _unit.OnFault = _ =>
        {
            Write(R.ClockControl, R.ResetAll);
            _unit.Map(Data, new PhysicalAddress(Data), 4096);
            return true;
        };
        Describe((Data, 512, true));
        Transfer(SdCommand.ReadSingle, 0, 1, Single | SdhciTransferMode.Read);
        Assert.Equal(SdhciInterrupts.None, Pending);
    }

    private SdhciInterrupts Pending => (SdhciInterrupts)Read(R.InterruptStatus);

    private void BringUp()
    {
        Write(R.ClockControl, R.InternalClock | R.CardClock);
        Write(R.HostControl, R.DmaSelectAdma2 | R.BusPower | R.Voltage33);
        Write(R.InterruptEnable, (uint)SdhciInterrupts.All);
        Write(R.SignalEnable, (uint)SdhciInterrupts.All);
        Command(SdCommand.GoIdle, 0, SdhciCommand.NoResponse);
        Command(SdCommand.Application, 0, SdhciCommand.ShortResponse);
        Command(SdCommand.SendOperatingConditions, SdCardFacts.OcrHighCapacity | SdCardFacts.OcrVoltages, SdhciCommand.ShortResponse);
        Command(SdCommand.AllSendIdentification, 0, SdhciCommand.LongResponse);
        Command(SdCommand.SendRelativeAddress, 0, SdhciCommand.ShortResponse);
        Command(SdCommand.Select, Read(R.Response), SdhciCommand.BusyResponse);
        Assert.Equal(SdhciInterrupts.CommandComplete | SdhciInterrupts.TransferComplete, Pending);
        Write(R.InterruptStatus, (uint)SdhciInterrupts.All);
        Assert.Equal(SdCardState.Transfer, _host.Card!.State);
    }

    private void AssertAdmaError(uint error, uint table)
    {
        Assert.Equal(SdhciInterrupts.CommandComplete | SdhciInterrupts.Error | SdhciInterrupts.AdmaError, Pending);
        Assert.Equal((new SdhciAdmaError(error), table), (new SdhciAdmaError(Read(R.AdmaError)), Read(R.AdmaAddress)));
    }

    private void Describe(params (uint Address, int Length, bool Moves)[] descriptors)
    {
        for (var i = 0; i < descriptors.Length; i++)
        {
            var (address, length, moves) = descriptors[i];
            var descriptor = SdhciAdmaDescriptor.ForTransfer(address, length, i == descriptors.Length - 1).Value;
            new SdhciAdmaDescriptor(moves ? descriptor : descriptor & ~(ulong)SdhciAdmaDescriptor.Transfer)
                .Write(Bytes(Table + ((uint)i * 8), 8));
        }
    }

    private void Transfer(SdCommand command, uint block, uint count, SdhciTransferMode mode, uint table = Table)
    {
        Write(R.AdmaAddress, table);
        Write(R.Block, 512 | (count << 16));
        Write(R.Argument, block);
        Write(R.Command, (uint)mode | (SdhciCommand.For(command, SdhciCommand.ShortResponse, hasData: true).Value << 16));
    }

    private void Command(SdCommand command, uint argument, uint response)
    {
        Write(R.Argument, argument);
        Write(R.Command, SdhciCommand.For(command, response).Value << 16);
    }

    private Span<byte> Bytes(uint address, int length) => _memory.Span(new PhysicalAddress(address), length);

    private void Write(uint offset, uint value) => Assert.True(_host.TryWrite(offset, 4, value));

    private uint Read(uint offset)
    {
        Assert.True(_host.TryRead(offset, 4, out var value));
        return (uint)value;
    }
}
