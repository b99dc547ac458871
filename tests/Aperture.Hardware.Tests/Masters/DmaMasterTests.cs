using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.DmaMaster;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;
using R = Aperture.Datasheets.DmaMaster.DmaMasterRegisters;

namespace Aperture.Hardware.Tests.Masters;

public sealed class DmaMasterTests : IDisposable
{
    private const ulong Ram = 0x8000_0000;
    private const int RamBytes = 1 << 20;

    private readonly PhysicalMemory _memory = new(new MemoryRange(new PhysicalAddress(Ram), RamBytes));
    private readonly SystemBus _bus;
    private readonly PageUnit _unit;
    private readonly DmaMaster _master; // port 0 straight onto the bus, port 1 through the unit

    public DmaMasterTests()
    {
        _bus = new SystemBus(_memory);
        _unit = new PageUnit(_bus);
        _master = new DmaMaster(new DmaPort(_bus), new DmaPort(_bus, _unit));
        Write(R.IrqEnable, (uint)DmaMasterInterrupts.All);
    }

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void Identifies_itself()
    {
        Assert.Equal(R.IdValue, (uint)Read(R.Id));
        Assert.Equal(R.VersionValue, (uint)Read(R.Version));
        Assert.Equal(2u, (uint)Read(R.Ports));
    }

    [Fact]
    public void Registers_take_64_bits_at_once_or_in_halves()
    {
        Assert.True(_master.TryWrite(R.Source, 8, 0x1122_3344_5566_7788));
        Assert.Equal(0x5566_7788u, Read(R.Source));
        Write(R.Source + 4, 0xAABB_CCDD);
        Assert.Equal(0xAABB_CCDD_5566_7788, Read64(R.Source));
        Assert.False(_master.TryRead(R.Id, 1, out _));
        Assert.False(_master.TryRead(R.Id, 2, out _));
        Assert.False(_master.TryRead(R.Source + 4, 8, out _));
        Assert.False(_master.TryRead(R.Size, 4, out _));
    }

    [Theory]
    [InlineData(0UL, 1)]
    [InlineData(3UL, 30)]
    [InlineData(5UL, 4096)]
    [InlineData(0UL, 200_001)]
    public void Fill_writes_the_pattern_and_verify_finds_it(ulong position, int length)
    {
        Assert.True(Fill(0, Ram + 0x123, length, seed: 7, position).IsDone);
        var expected = new byte[length];
        DmaMasterPattern.Fill(expected, 7, position);
        Assert.Equal(expected, _memory.Span(new PhysicalAddress(Ram + 0x123), length).ToArray());
        Assert.Equal(0, _memory.Span(new PhysicalAddress(Ram + 0x123 + (ulong)length), 1)[0]);
        Assert.Equal(DmaMasterError.None, Verify(0, Ram + 0x123, length, 7, position).Error);
        Assert.Equal((ulong)length, Read64(R.BytesDone));
        Assert.Equal(DmaMasterError.Mismatch, Verify(0, Ram + 0x123, length, 8, position).Error);
    }

    [Fact]
    public void Verify_names_the_first_wrong_byte()
    {
        Fill(0, Ram, 150_000, 1);
        ref var wrong = ref _memory.Span(new PhysicalAddress(Ram + 70_001), 1)[0];
        var right = wrong;
        wrong ^= 0x5A;
        var status = Verify(0, Ram, 150_000, 1);
        Assert.Equal(DmaMasterError.Mismatch, status.Error);
        Assert.Equal(Ram + 70_001, Read64(R.FaultAddress));
        Assert.Equal(70_001u, Read64(R.BytesDone));
        Assert.Equal(right | ((right ^ 0x5Au) << 8), Read(R.Difference));
    }

    [Fact]
    public void Verify_detects_swapped_pages()
    {
        Fill(0, Ram, 8192, 1);
        var pages = _memory.Span(new PhysicalAddress(Ram), 8192);
        var first = pages[..4096].ToArray();
        pages[4096..].CopyTo(pages);
        first.CopyTo(pages[4096..]);
        Assert.Equal(DmaMasterError.Mismatch, Verify(0, Ram, 8192, 1).Error);
    }

    [Fact]
    public void Copy_goes_from_port_to_port()
    {
        _unit.Map(0x1000_0000, new PhysicalAddress(Ram + 0x80000), 0x20000);
        Fill(0, Ram, 100_000, 3);
        Write(R.Port, 0 | (1 << 8));
        Write64(R.Source, Ram);
        Write64(R.Destination, 0x1000_0100);
        Write64(R.Length, 100_000);
        Assert.Equal(DmaMasterError.None, Command(DmaMasterCommand.Copy).Error);
        Assert.Equal(DmaMasterError.None, Verify(0, Ram + 0x80100, 100_000, 3).Error);
    }

    [Fact]
    public void Read_keeps_a_checksum_that_depends_on_the_order()
    {
        Fill(0, Ram, 70_005, 3);
        Write64(R.Source, Ram);
        Assert.Equal(DmaMasterError.None, Command(DmaMasterCommand.Read).Error);
        var sum = Read64(R.Checksum);
        Assert.Equal(SlowChecksum(_memory.Span(new PhysicalAddress(Ram), 70_005)), sum);
        var words = _memory.Span(new PhysicalAddress(Ram), 64);
        (words[0], words[32]) = (words[32], words[0]);
        Command(DmaMasterCommand.Read);
        Assert.NotEqual(sum, Read64(R.Checksum));
    }

    [Fact]
    public void A_stalled_command_resumes_where_it_stood()
    {
        _unit.Map(0x2000_0000, new PhysicalAddress(Ram), 0x12000);
        var status = Fill(1, 0x2000_0000, 0x20000, 9);
        Assert.True(status is { IsStalled: true, IsDone: false, IsWrite: true });
        Assert.Equal(0x2001_2000u, Read64(R.FaultAddress));
        Assert.Equal(0x12000u, Read64(R.BytesDone));
        Assert.Equal((uint)DmaMasterInterrupts.Stalled, Read(R.IrqStatus));
        Assert.True(_master.Interrupt.IsAsserted);

        Command(DmaMasterCommand.Read); // ignored: one is under way
        Assert.Equal(status, new DmaMasterStatus(Read(R.Status)));

        _unit.Map(0x2001_2000, new PhysicalAddress(Ram + 0x12000), 0xE000);
        Write(R.IrqStatus, uint.MaxValue);
        Assert.False(_master.Interrupt.IsAsserted);
        Write(R.Control, R.ControlResume);
        Assert.Equal(DmaMasterStatus.Done(DmaMasterError.None, 0), new DmaMasterStatus(Read(R.Status)));
        Assert.Equal((uint)DmaMasterInterrupts.Done, Read(R.IrqStatus));
        Assert.Equal(DmaMasterError.None, Verify(0, Ram, 0x20000, 9).Error);
    }

    [Fact]
    public void A_stalled_command_can_be_aborted()
    {
        Assert.True(Verify(1, 0x3000_0010, 100, 0).IsStalled);
        Assert.Equal(0x3000_0010u, Read64(R.FaultAddress));
        Write(R.Control, R.ControlAbort);
        Assert.Equal(DmaMasterError.Aborted, new DmaMasterStatus(Read(R.Status)).Error);
        Assert.Equal(DmaMasterError.None, Fill(0, Ram, 100, 0).Error);
    }

    [Fact]
    public void A_fault_handler_may_abort_reset_or_mend()
    {
        _unit.OnFault = _ => { Write(R.Control, R.ControlAbort); return false; };
        Assert.Equal(DmaMasterError.Aborted, Fill(1, 0x3000_0000, 100, 0).Error);

        _unit.OnFault = request => { _unit.Map(request.Address.AlignDown(4096).Value, new PhysicalAddress(Ram), 4096); return true; };
        Assert.Equal(DmaMasterError.None, Fill(1, 0x3000_0000, 100, 0).Error);

        _unit.OnFault = _ => { _master.SetReset(true); _master.SetReset(false); return false; };
        Assert.Equal(0u, Fill(1, 0x5000_0000, 100, 0).Value);
        Assert.False(_master.Interrupt.IsAsserted);
    }

    [Fact]
    public void Refused_and_unanswered_accesses_end_the_command()
    {
        _unit.Otherwise = TranslationStatus.Aborted;
        var status = Fill(1, 0x3000_0000, 100, 0);
        Assert.Equal((DmaMasterError.Refused, true), (status.Error, status.IsWrite));
        status = Verify(0, Ram + RamBytes - 10, 100, 0);
        Assert.Equal((DmaMasterError.BusError, false), (status.Error, status.IsWrite));
        Assert.Equal(Ram + RamBytes - 10, Read64(R.FaultAddress));
    }

    [Fact]
    public void Lists_scatter_and_gather()
    {
        WriteList(Ram + 0x1000, (Ram + 0x10000, 5), (Ram + 0x20001, 70_000), (0, 0), (Ram + 0x40003, 1000));
        WriteList(Ram + 0x2000, (Ram + 0x80000, 1), (Ram + 0x90000, 71_004));
        Fill(0, Ram + 0x1000, 71_005, 4, count: 4);
        Assert.Equal(DmaMasterError.None, Verify(0, Ram + 0x1000, 71_005, 4, count: 4).Error);
        Assert.Equal(DmaMasterError.None, Verify(0, Ram + 0x20001, 70_000, 4, position: 5).Error);
        Write64(R.Source, Ram + 0x1000);
        Write(R.SourceCount, 4);
        Write64(R.Destination, Ram + 0x2000);
        Write(R.DestinationCount, 2);
        Write64(R.Length, 71_005);
        Assert.Equal(DmaMasterError.None, Command(DmaMasterCommand.Copy).Error);
        Assert.Equal(DmaMasterError.None, Verify(0, Ram + 0x90000, 71_004, 4, position: 1).Error);

        Write64(R.Source, Ram + 0x1000);
        Write64(R.Length, 71_006);
        Write(R.SourceCount, 4);
        var status = Command(DmaMasterCommand.Read);
        Assert.Equal((DmaMasterError.ShortList, true), (status.Error, status.IsList));
    }

    [Fact]
    public void A_list_behind_a_unit_is_fetched_through_it()
    {
        WriteList(Ram + 0x1000, (0x1000_0000, 4096));
        _unit.Map(0x1000_0000, new PhysicalAddress(Ram + 0x3000), 4096);
        var status = Fill(1, 0x2000_0000, 4096, 1, count: 1);
        Assert.True(status is { IsStalled: true, IsList: true, IsWrite: false });
        _unit.Map(0x2000_0000, new PhysicalAddress(Ram + 0x1000), 4096);
        Write(R.Control, R.ControlResume);
        Assert.Equal(DmaMasterError.None, Verify(0, Ram + 0x3000, 4096, 1).Error);
    }

    [Fact]
    public void Bad_commands_are_told()
    {
        Write64(R.Length, 1);
        Assert.Equal(DmaMasterError.BadCommand, Command((DmaMasterCommand)99).Error);
        Assert.Equal(DmaMasterError.BadCommand, Fill(2, Ram, 1, 0).Error);
        Assert.Equal(DmaMasterError.BadCommand, Verify(0, Ram, 1, 0, count: R.MaxDescriptors + 1).Error);
    }

    [Fact]
    public void Without_power_clock_or_reset_released_it_does_not_answer()
    {
        Write(R.Source, 5);
        _master.IsClocked = false;
        Assert.False(_master.TryRead(R.Id, 4, out _));
        _master.IsClocked = true;
        Assert.Equal(5u, Read(R.Source));
        _master.SetReset(true);
        Assert.False(_master.TryWrite(R.Source, 4, 1));
        _master.SetReset(false);
        Assert.Equal(0u, Read(R.Source));
        _master.SetPower(false);
        Assert.False(_master.TryRead(R.Id, 4, out _));
        _master.SetPower(true);
        Assert.True(_master.TryRead(R.Id, 4, out _));
    }

    [Fact]
    public void A_command_allocates_nothing()
    {
        Fill(0, Ram, 100_000, 1);
        Verify(0, Ram, 100_000, 1);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10; i++)
            Verify(0, Ram, 100_000, 1);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Random_register_writes_never_throw()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        _bus.Attach(new PhysicalAddress(0x1000), _master); // it may even program itself
        for (var i = 0; i < 20_000; i++)
        {
            var offset = (uint)random.Next(0, (int)R.Size / 4) * 4;
            uint value = random.Next(4) switch
            {
                0 => (uint)random.Next(8),
                1 => (uint)Ram + (uint)random.Next(RamBytes),
                2 => 0x1000 + (uint)random.Next(0x80),
                _ => (uint)random.NextInt64(),
            };
            if (offset is R.Length + 4 or R.Source + 4 or R.Destination + 4)
                value &= 1;
            var failure = Record.Exception(() => _master.TryWrite(offset, random.Next(2) * 4 + 4, value));
            Assert.True(failure is null, $"seed {seed}, write {i}: {failure}");
        }

        // Whatever it was told, the next job is done as ever.
        Write(R.Status, uint.MaxValue);
        Assert.True(Fill(0, Ram + 0x100, 5000, seed: 3).IsDone, $"seed {seed}");
        Verify(0, Ram + 0x100, 5000, 3);
    }

    private static ulong SlowChecksum(ReadOnlySpan<byte> bytes)
    {
        Span<ulong> sums = stackalloc ulong[4], sumsOfSums = stackalloc ulong[4];
        var padded = new byte[(bytes.Length + 31) / 32 * 32];
        bytes.CopyTo(padded);
        for (var i = 0; i < padded.Length / 8; i++)
        {
            sums[i % 4] += BitConverter.ToUInt64(padded, i * 8);
            sumsOfSums[i % 4] += sums[i % 4];
        }

        ulong value = 0;
        for (var lane = 0; lane < 4; lane++)
            value += ulong.RotateLeft(sumsOfSums[lane], lane * 8) ^ sums[lane];
        return value;
    }

    private void WriteList(ulong at, params (ulong Address, ulong Length)[] entries)
    {
        for (var i = 0; i < entries.Length; i++)
            new DmaMasterDescriptor(entries[i].Address, entries[i].Length)
                .Write(_memory.Span(new PhysicalAddress(at + ((ulong)i * 16)), 16));
    }

    private DmaMasterStatus Fill(int port, ulong address, int length, ulong seed, ulong position = 0, uint count = 0)
    {
        Write(R.Port, (uint)port << 8);
        Write64(R.Destination, address);
        Write(R.DestinationCount, count);
        return Pattern(DmaMasterCommand.Fill, length, seed, position);
    }

    private DmaMasterStatus Verify(int port, ulong address, int length, ulong seed, ulong position = 0, uint count = 0)
    {
        Write(R.Port, (uint)port);
        Write64(R.Source, address);
        Write(R.SourceCount, count);
        return Pattern(DmaMasterCommand.Verify, length, seed, position);
    }

    private DmaMasterStatus Pattern(DmaMasterCommand command, int length, ulong seed, ulong position)
    {
        Write64(R.Length, (ulong)length);
        Write64(R.Seed, seed);
        Write64(R.Position, position);
        return Command(command);
    }

    private DmaMasterStatus Command(DmaMasterCommand command)
    {
        Write(R.Command, (uint)command);
        return new DmaMasterStatus(Read(R.Status));
    }

    private uint Read(uint offset)
    {
        Assert.True(_master.TryRead(offset, 4, out var value));
        return (uint)value;
    }

    private ulong Read64(uint offset)
    {
        Assert.True(_master.TryRead(offset, 8, out var value));
        return value;
    }

    private void Write(uint offset, uint value) => Assert.True(_master.TryWrite(offset, 4, value));

    private void Write64(uint offset, ulong value) => Assert.True(_master.TryWrite(offset, 8, value));
}
