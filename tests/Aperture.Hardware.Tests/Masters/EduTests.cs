using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Edu;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Masters;

public sealed class EduTests : IDisposable
{
    private const ulong Ram = 0x0800_0000; // below 2^28

    private readonly PhysicalMemory _memory = new(new MemoryRange(new PhysicalAddress(Ram), 1 << 20));
    private readonly SystemBus _bus;
    private readonly PageUnit _unit;
    private readonly Edu _edu;

    public EduTests()
    {
        _bus = new SystemBus(_memory);
        _unit = new PageUnit(_bus);
        _edu = new Edu(new DmaPort(_bus));
    }

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void Identifies_itself_and_inverts()
    {
        Assert.Equal(0x0100_00EDu, Read(_edu, EduRegisters.Identification));
        Write(_edu, EduRegisters.Liveness, 0x1234_5678);
        Assert.Equal(0xEDCB_A987u, Read(_edu, EduRegisters.Liveness));
        Write(_edu, EduRegisters.Identification, 0);
        Assert.Equal(0x0100_00EDu, Read(_edu, EduRegisters.Identification));
    }

    [Fact]
    public void Registers_take_the_widths_of_the_specification()
    {
        Assert.False(_edu.TryRead(EduRegisters.Liveness, 8, out _));
        Assert.False(_edu.TryRead(EduRegisters.Liveness, 2, out _));
        Assert.False(_edu.TryWrite(EduRegisters.DmaSource, 1, 0));
        Assert.False(_edu.TryRead(EduRegisters.DmaSource + 4, 8, out _));
        Assert.False(_edu.TryRead(EduRegisters.Size, 4, out _));
        Assert.True(_edu.TryWrite(EduRegisters.DmaSource, 8, 0x1122_3344_5566_7788));
        Assert.Equal(0x1122_3344u, Read(_edu, EduRegisters.DmaSource + 4));
        Write(_edu, EduRegisters.DmaSource, 0x99);
        Write(_edu, EduRegisters.DmaSource + 4, 0xAA);
        Assert.True(_edu.TryRead(EduRegisters.DmaSource, 8, out var source));
        Assert.Equal(0xAA_0000_0099ul, source);
        Assert.Equal(uint.MaxValue, Read(_edu, EduRegisters.InterruptRaise));
        Assert.Equal(uint.MaxValue, Read(_edu, 0x1000));
    }

    [Fact]
    public void Interrupts_are_raised_and_acknowledged_bit_by_bit()
    {
        Write(_edu, EduRegisters.InterruptRaise, 0x30);
        Write(_edu, EduRegisters.InterruptRaise, 0x01);
        Assert.Equal(0x31u, Read(_edu, EduRegisters.InterruptStatus));
        Write(_edu, EduRegisters.InterruptAcknowledge, 0x30);
        Assert.True(_edu.Interrupt.IsAsserted);
        Write(_edu, EduRegisters.InterruptAcknowledge, 0xFF);
        Assert.False(_edu.Interrupt.IsAsserted);
        Assert.Equal(0u, Read(_edu, EduRegisters.InterruptStatus));
    }

    [Fact]
    public void A_factorial_takes_its_time()
    {
        var time = new TestTime();
        var edu = new Edu(new DmaPort(_bus), new EduOptions { Time = time, FactorialTime = TimeSpan.FromMilliseconds(2) });
        Write(edu, EduRegisters.Status, 0xFFFF_FFFF);
        Write(edu, EduRegisters.Factorial, 10);
        Assert.Equal(EduStatus.Computing | EduStatus.InterruptOnFactorial, Read(edu, EduRegisters.Status));
        Write(edu, EduRegisters.Factorial, 3); // busy: not taken
        time.Fire();
        Assert.Equal(EduStatus.InterruptOnFactorial, Read(edu, EduRegisters.Status));
        Assert.Equal(3_628_800u, Read(edu, EduRegisters.Factorial));
        Assert.Equal(1u, Read(edu, EduRegisters.InterruptStatus));
        Assert.True(edu.Interrupt.IsAsserted);
        time.Fire(); // nothing is due any more
        Assert.Equal(3_628_800u, Read(edu, EduRegisters.Factorial));
    }

    [Fact]
    public void Time_stands_with_the_clock_and_a_reset_ends_everything()
    {
        var time = new TestTime();
        var edu = new Edu(new DmaPort(_bus), new EduOptions { Time = time });
        Write(edu, EduRegisters.Factorial, 4);
        edu.IsClocked = false;
        time.Fire();
        edu.IsClocked = true;
        Assert.Equal(EduStatus.Computing, Read(edu, EduRegisters.Status));
        time.Fire();
        Assert.Equal(24u, Read(edu, EduRegisters.Factorial));
        Write(edu, EduRegisters.Factorial, 4);
        Write(edu, EduRegisters.InterruptRaise, 4);
        edu.SetReset(true);
        Assert.False(edu.TryRead(EduRegisters.Status, 4, out _));
        edu.SetReset(false);
        time.Fire();
        Assert.Equal(0u, Read(edu, EduRegisters.Status));
        Assert.Equal(0u, Read(edu, EduRegisters.Factorial));
        Assert.False(edu.Interrupt.IsAsserted);
    }

    [Fact]
    public void Moves_bytes_both_ways_over_pages()
    {
        var bytes = _memory.Span(new PhysicalAddress(Ram), 3 * 4096);
        new Random(2).NextBytes(bytes);
        var expected = bytes.ToArray();
        Transfer(_edu, Ram + 4090, EduRegisters.Buffer, 4096, EduDmaCommand.InterruptOnEnd);
        Assert.Equal(EduInterrupts.Dma, Read(_edu, EduRegisters.InterruptStatus));
        Assert.True(_edu.Buffer.SequenceEqual(expected.AsSpan(4090, 4096)));
        Assert.Equal((uint)EduDmaCommand.InterruptOnEnd, Read(_edu, EduRegisters.DmaCommand));
        Transfer(_edu, EduRegisters.Buffer + 1, Ram, 3, EduDmaCommand.ToMemory);
        Assert.True(bytes[..3].SequenceEqual(expected.AsSpan(4091, 3)));
        Assert.True(bytes[3..].SequenceEqual(expected.AsSpan(3)));
    }

    [Theory]
    [InlineData(EduRegisters.Buffer - 1, 2)]
    [InlineData(EduRegisters.Buffer, 4097)]
    [InlineData(EduRegisters.Buffer + 4095, 2)]
    [InlineData(EduRegisters.Buffer + 4097, 0)]
    [InlineData(0UL, 16)]
    [InlineData(ulong.MaxValue, 16)]
    [InlineData(EduRegisters.Buffer, ulong.MaxValue)]
    public void A_transfer_outside_the_buffer_moves_nothing(ulong inside, ulong count)
    {
        Transfer(_edu, Ram, EduRegisters.Buffer, 64, EduDmaCommand.None);
        var before = _memory.Span(new PhysicalAddress(Ram), 8192).ToArray();
        Transfer(_edu, Ram, inside, count, EduDmaCommand.None);
        Transfer(_edu, inside, Ram, count, EduDmaCommand.ToMemory);
        Assert.Equal(0u, Read(_edu, EduRegisters.DmaCommand) & (uint)EduDmaCommand.Start);
        Assert.True(_memory.Span(new PhysicalAddress(Ram), 8192).SequenceEqual(before));
        Assert.Equal(DmaStatus.Ok, _edu.LastAccess);
    }

    [Fact]
    public void The_bus_sees_only_the_bits_of_the_mask()
    {
        _memory.Span(new PhysicalAddress(Ram), 4).Fill(9);
        Transfer(_edu, 0xFFFF_FFFF_F000_0000 | Ram, EduRegisters.Buffer, 4, EduDmaCommand.None);
        Assert.True(_edu.Buffer[..4].SequenceEqual<byte>([9, 9, 9, 9]));
        var wide = new Edu(new DmaPort(_bus), new EduOptions { DmaMask = ulong.MaxValue });
        Transfer(wide, 0x1000_0000 | Ram, EduRegisters.Buffer, 4, EduDmaCommand.None);
        Assert.Equal((DmaStatus.BusError, new Iova(0x1000_0000 | Ram)), (wide.LastAccess, wide.LastFailure));
    }

    [Fact]
    public void Failing_pages_read_as_zeros_and_swallow_writes()
    {
        var edu = new Edu(new DmaPort(_bus, _unit));
        _unit.Otherwise = TranslationStatus.Aborted;
        _unit.Map(0x2000, new PhysicalAddress(Ram), 4096);
        _memory.Span(new PhysicalAddress(Ram), 4096).Fill(5);
        Transfer(edu, 0x2000, EduRegisters.Buffer, 4096, EduDmaCommand.None);
        Transfer(edu, 0x1FF0, EduRegisters.Buffer, 32, EduDmaCommand.None);
        Assert.True(edu.Buffer[..16].IndexOfAnyExcept((byte)0) < 0);
        Assert.True(edu.Buffer[16..].IndexOfAnyExcept((byte)5) < 0);
        Assert.Equal(new Iova(0x1FF0), edu.LastFailure);
        Transfer(edu, EduRegisters.Buffer, 0x2FF8, 32, EduDmaCommand.ToMemory);
        Assert.True(_memory.Span(new PhysicalAddress(Ram + 0xFF8), 8).IndexOfAnyExcept((byte)0) < 0);
        Assert.Equal(new Iova(0x3000), edu.LastFailure);
    }

    [Fact]
    public void An_access_without_an_answer_leaves_the_engine_busy_until_a_reset()
    {
        var edu = new Edu(new DmaPort(_bus, _unit));
        Transfer(edu, 0x2000, EduRegisters.Buffer, 16, EduDmaCommand.InterruptOnEnd);
        Assert.Equal((uint)(EduDmaCommand.Start | EduDmaCommand.InterruptOnEnd), Read(edu, EduRegisters.DmaCommand));
        Write(edu, EduRegisters.DmaSource, 0x5000); // not taken while the engine is at work
        Assert.Equal(0x2000u, Read(edu, EduRegisters.DmaSource));
        Assert.False(edu.Interrupt.IsAsserted);
        edu.SetPower(false);
        edu.SetPower(true);
        Assert.Equal(0u, Read(edu, EduRegisters.DmaCommand));
    }

    private static void Transfer(Edu edu, ulong source, ulong destination, ulong count, EduDmaCommand command)
    {
        Assert.True(edu.TryWrite(EduRegisters.DmaSource, 8, source));
        Assert.True(edu.TryWrite(EduRegisters.DmaDestination, 8, destination));
        Assert.True(edu.TryWrite(EduRegisters.DmaCount, 8, count));
        Assert.True(edu.TryWrite(EduRegisters.DmaCommand, 8, (uint)(command | EduDmaCommand.Start)));
    }

    private static uint Read(Edu edu, uint offset)
    {
        Assert.True(edu.TryRead(offset, 4, out var value));
        return (uint)value;
    }

    private static void Write(Edu edu, uint offset, uint value) => Assert.True(edu.TryWrite(offset, 4, value));

    /// <summary>Fires what is due when the test says so.</summary>
    private sealed class TestTime : TimeProvider
    {
        private readonly List<TestTimer> _timers = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new TestTimer(callback, state);
            timer.Change(dueTime, period);
            _timers.Add(timer);
            return timer;
        }

        public void Fire() => _timers.ForEach(timer => timer.Fire());

        private sealed class TestTimer(TimerCallback callback, object? state) : ITimer
        {
            private bool _isDue;

            public bool Change(TimeSpan dueTime, TimeSpan period) => _isDue = dueTime >= TimeSpan.Zero;

            public void Fire()
            {
                if (!_isDue)
                    return;
                _isDue = false;
                callback(state);
            }

            public void Dispose() => _isDue = false;

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
