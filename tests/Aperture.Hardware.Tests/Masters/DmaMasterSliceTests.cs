using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.DmaMaster;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;
using R = Aperture.Datasheets.DmaMaster.DmaMasterRegisters;

namespace Aperture.Hardware.Tests.Masters;

/// <summary>B5: a master did a whole command inside the write of its COMMAND register, so that no CPU ever ran beside a DMA.</summary>
public sealed class DmaMasterSliceTests : IDisposable
{
    private const ulong Ram = 0x8000_0000;
    private const int Slice = 1024;

    private readonly PhysicalMemory _memory = new(new MemoryRange(new PhysicalAddress(Ram), 1 << 20));
    private readonly SteppedTime _time = new();
    private readonly PageUnit _unit;
    private readonly DmaMaster _master; // port 0 straight onto the bus, port 1 through the unit

    public DmaMasterSliceTests()
    {
        var bus = new SystemBus(_memory);
        _unit = new PageUnit(bus);
        _master = New(bus, Slice);
        Write(R.IrqEnable, (uint)DmaMasterInterrupts.All);
    }

    private DmaMasterStatus Status => new(Read(R.Status));

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void The_CPU_finds_the_master_busy_between_slices_and_its_work_where_it_stands()
    {
        Start(DmaMasterCommand.Fill, 5 * Slice + 7);
        for (var slice = 1; slice <= 5; slice++)
        {
            Assert.True(Status is { IsBusy: true, IsDone: false });
            Assert.False(_master.Interrupt.IsAsserted);
            Assert.Equal((ulong)(slice * Slice), Read64(R.BytesDone));
            Assert.Equal(slice * Slice, Written());
            Assert.True(_time.Step());
        }

        Assert.True(Status is { IsBusy: false, IsDone: true, Error: DmaMasterError.None });
        Assert.True(_master.Interrupt.IsAsserted);
        Assert.Equal((5 * Slice + 7, 5UL * Slice + 7), (Written(), Read64(R.BytesDone)));
        Assert.False(_time.Step());
    }

    [Fact]
    public void What_the_CPU_writes_before_a_slice_is_what_the_slice_reads()
    {
        _memory.Span(new(Ram), 2 * Slice).Fill(1);
        Write64(R.Source, Ram);
        Write64(R.Destination, Ram + 0x8000);
        Write64(R.Length, 2 * Slice);
        Write(R.Command, (uint)DmaMasterCommand.Copy);
        _memory.Span(new(Ram), 2 * Slice).Fill(2);
        _time.Step();
        Assert.Equal(1, _memory.Span(new(Ram + 0x8000 + Slice - 1), 1)[0]);
        Assert.Equal(2, _memory.Span(new(Ram + 0x8000 + Slice), 1)[0]);
        Assert.True(Status.IsDone);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(4)]
    public void An_abort_between_two_slices_ends_the_command_there(int after)
    {
        Start(DmaMasterCommand.Fill, 6 * Slice);
        for (var i = 0; i < after; i++)
            _time.Step();
        Write(R.Control, R.ControlAbort);
        Assert.True(Status is { IsBusy: false, IsDone: true, Error: DmaMasterError.Aborted });
        Assert.True(_master.Interrupt.IsAsserted);
        Assert.Equal(((after + 1) * Slice, (ulong)((after + 1) * Slice)), (Written(), Read64(R.BytesDone)));
        Assert.False(_time.Step());
        Assert.Equal((after + 1) * Slice, Written());

        // And the master takes the next command.
        Write(R.IrqStatus, uint.MaxValue);
        Start(DmaMasterCommand.Verify, Slice);
        Assert.Equal(DmaMasterError.None, Status.Error);
        Assert.True(Status.IsDone);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_reset_or_a_loss_of_power_between_two_slices_leaves_nothing_behind(bool isPower)
    {
        Start(DmaMasterCommand.Fill, 4 * Slice);
        if (isPower)
            _master.SetPower(false);
        else
            _master.SetReset(true);
        Assert.False(_time.Step());
        _master.SetPower(true);
        _master.SetReset(false);
        Assert.Equal(0u, Status.Value);
        Assert.False(_time.Step());
        Assert.Equal(Slice, Written());
        Start(DmaMasterCommand.Fill, 2 * Slice);
        Assert.True(Status.IsBusy);
        Assert.True(_time.Step());
        Assert.True(Status.IsDone);
    }

    [Fact]
    public void While_the_clock_stands_the_command_does()
    {
        Start(DmaMasterCommand.Fill, 3 * Slice);
        _master.IsClocked = false;
        for (var i = 0; i < 5; i++)
            Assert.True(_time.Step());
        Assert.Equal(Slice, Written());
        _master.IsClocked = true;
        _time.Step();
        _time.Step();
        Assert.Equal(3 * Slice, Written());
        Assert.True(Status.IsDone);
    }

    [Fact]
    public void A_second_command_and_a_resume_are_not_taken_while_one_is_under_way()
    {
        Start(DmaMasterCommand.Fill, 3 * Slice);
        Write(R.Command, (uint)DmaMasterCommand.Read);
        Write(R.Control, R.ControlResume);
        Assert.Equal((uint)DmaMasterCommand.Fill, Read(R.Command));
        Assert.Equal(Slice, Written());
        while (_time.Step())
        {
        }

        Assert.Equal(3 * Slice, Written());
    }

    [Fact]
    public void A_slice_that_stalls_is_resumed_and_the_rest_goes_on_in_slices()
    {
        _unit.Map(0x1000, new(Ram), 4096);
        Start(DmaMasterCommand.Fill, 4096 + (3 * Slice), port: 1, address: 0x1000);
        while (_time.Step())
        {
        }

        Assert.True(Status is { IsStalled: true, IsBusy: false });
        Assert.Equal(4096, Written());
        _unit.Map(0x2000, new(Ram + 4096), 4096);
        Write(R.Control, R.ControlResume);
        Assert.True(Status.IsBusy);
        Assert.True(_time.Step());
        Assert.True(_time.Step());
        Assert.False(_time.Step());
        Assert.True(Status.IsDone);
        Assert.Equal(4096 + (3 * Slice), Written());
    }

    [Theory]
    [InlineData(32)]
    [InlineData(96)]
    [InlineData(70_016)]
    [InlineData(1 << 20)]
    public void Slices_of_any_size_give_the_same_bytes_and_checksums(int slice)
    {
        const int length = 200_001;
        var (expected, sum) = Run(null);
        var (bytes, sliced) = Run(slice);
        Assert.Equal(expected, bytes);
        Assert.Equal(sum, sliced);

        (byte[] Bytes, ulong Checksum) Run(int? pace)
        {
            using var memory = new PhysicalMemory(new MemoryRange(new PhysicalAddress(Ram), 1 << 20));
            var master = New(new SystemBus(memory), pace);
            Complete(DmaMasterCommand.Fill, Ram + 3);
            Complete(DmaMasterCommand.Copy, Ram + 0x80005);
            Complete(DmaMasterCommand.Verify, 0);
            Complete(DmaMasterCommand.Read, 0);
            Assert.True(master.TryRead(R.Checksum, 8, out var checksum));
            return (memory.Span(new(Ram), 1 << 20).ToArray(), checksum);

            void Complete(DmaMasterCommand command, ulong destination)
            {
                master.TryWrite(R.Source, 8, Ram + 3);
                master.TryWrite(R.Destination, 8, destination);
                master.TryWrite(R.Length, 8, length);
                master.TryWrite(R.Seed, 8, 9);
                master.TryWrite(R.Command, 4, (uint)command);
                while (_time.Step())
                {
                }

                Assert.True(master.TryRead(R.Status, 4, out var status));
                Assert.True(new DmaMasterStatus((uint)status) is { IsDone: true, Error: DmaMasterError.None });
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(33)]
    [InlineData(-32)]
    public void A_pace_has_slices_of_whole_grains(int bytes) =>
        Assert.Equal(Core.Status.InvalidArgument,
            Assert.Throws<ApertureException>(() => new MasterPace(_time, bytes, TimeSpan.FromTicks(1))).Status);

    [Fact]
    public void A_pace_has_a_pause() =>
        Assert.Equal(Core.Status.InvalidArgument, Assert.Throws<ApertureException>(() => new MasterPace(_time, 32, TimeSpan.Zero)).Status);

    private DmaMaster New(SystemBus bus, int? slice) => new(new DmaPort(bus), new DmaPort(bus, _unit))
    {
        Pace = slice is { } bytes ? new MasterPace(_time, bytes, TimeSpan.FromMicroseconds(1)) : null,
    };

    private void Start(DmaMasterCommand command, int length, int port = 0, ulong address = Ram)
    {
        Write(R.Port, (uint)(port | (port << 8)));
        Write64(R.Source, address);
        Write64(R.Destination, address);
        Write64(R.Length, (ulong)length);
        Write64(R.Seed, 3);
        Write(R.Command, (uint)command);
    }

    /// <summary>Bytes of the pattern from the start of RAM on.</summary>
    private int Written()
    {
        var expected = new byte[64 * Slice];
        DmaMasterPattern.Fill(expected, 3, 0);
        return _memory.Span(new(Ram), expected.Length).CommonPrefixLength(expected);
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
