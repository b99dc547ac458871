using Aperture.Boards;
using Aperture.Core;
using Aperture.Datasheets.Edu;
using Aperture.Dma.Memory;
using Aperture.Drivers.Edu;
using Aperture.Drivers.Tests.Machine;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Tests.Masters;
using Aperture.Hardware.Translation;
using Model = Aperture.Hardware.Masters.Edu;

namespace Aperture.Drivers.Tests.Edu;

public sealed class EduClientTests : IDisposable
{
    private readonly TestMachine _machine = new();
    private readonly MachineClock _clock = new();
    private readonly PageUnit _unit;
    private readonly Model _model; // through a unit that maps nothing by itself
    private readonly EduClient _client;

    public EduClientTests()
    {
        _unit = new PageUnit(_machine.Bus);
        _model = new Model(new DmaPort(_machine.Bus, _unit), new EduOptions { Time = _clock, DmaMask = uint.MaxValue });
        _machine.Wire(_model);
        _client = _machine.Bind<EduClient>(new EduDriver(_clock, 32));
    }

    public static TheoryData<EduWait> Waits => [EduWait.Interrupt, EduWait.Poll];

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void Identifies_the_device()
    {
        Assert.Equal((1, 0), (_client.Identification.Major, _client.Identification.Minor));
        Assert.True(_client.IsAlive(0));
        Assert.True(_client.IsAlive(uint.MaxValue));
        Assert.True(_machine.IsOn);
        _machine.Unbind();
        Assert.True(_machine.IsOff);
    }

    [Theory]
    [MemberData(nameof(Waits))]
    public void Computes_factorials(EduWait wait)
    {
        Assert.Equal(1u, _client.Factorial(0, wait));
        Assert.Equal(1u, _client.Factorial(1, wait));
        Assert.Equal(479_001_600u, _client.Factorial(12, wait));
        Assert.Equal(1_932_053_504u, _client.Factorial(13, wait)); // 6,227,020,800 modulo 2^32
        Assert.Equal(0u, _client.Factorial(uint.MaxValue, wait));
        Assert.Equal(wait == EduWait.Interrupt ? 5ul : 0, _client.Interrupts);
        Assert.True(_clock.Elapsed >= TimeSpan.FromMilliseconds(5));
    }

    [Theory]
    [MemberData(nameof(Waits))]
    public void Takes_bytes_from_memory_and_brings_them_back(EduWait wait)
    {
        using var buffer = Mapped(3 * 4096);
        new Random(1).NextBytes(buffer.Span);
        var expected = buffer.Span.ToArray();
        _client.Load(buffer.Address + 4000, 0, EduClient.BufferSize, wait);
        _client.Store(8, buffer.Address + 8001, 100, wait);
        expected.AsSpan(4008, 100).CopyTo(expected.AsSpan(8001));
        Assert.True(buffer.Span.SequenceEqual(expected));
        Assert.Equal(wait == EduWait.Interrupt ? 2ul : 0, _client.Interrupts);
        Assert.False(_model.Interrupt.IsAsserted);
    }

    [Fact]
    public void Raises_interrupts_on_demand()
    {
        _client.RaiseInterrupt(0xFFFF_FFFF);
        _client.RaiseInterrupt(1);
        Assert.Equal(2ul, _client.Interrupts);
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => _client.RaiseInterrupt(0)).Status);
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        Assert.Equal(Status.InvalidArgument, _client.TryLoad(default, 0, 0));
        Assert.Equal(Status.InvalidArgument, _client.TryLoad(default, -1, 1));
        Assert.Equal(Status.InvalidArgument, _client.TryLoad(default, 0, EduClient.BufferSize + 1));
        Assert.Equal(Status.InvalidArgument, _client.TryStore(EduClient.BufferSize - 1, default, 2));
        Assert.Equal(Status.OutOfRange, _client.TryStore(0, new Iova(uint.MaxValue), 2));
        Assert.Equal(Status.OutOfRange, _client.TryStore(0, new Iova(1UL << 32), 1));
        var message = Assert.Throws<ApertureException>(() => _client.Load(new Iova(0x1_0000_0000), 16, 8)).Message;
        Assert.Contains("0x100000000", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refused_access_brings_zeros_and_changes_nothing()
    {
        using var buffer = Mapped(8192);
        buffer.Span.Fill(0x55);
        _client.Load(buffer.Address, 0, 64);
        _unit.Otherwise = TranslationStatus.Aborted;
        _client.Store(0, new Iova(0x1000), 64);
        Assert.Equal(DmaStatus.Refused, _model.LastAccess);
        _unit.Unmap(buffer.Address.Value);
        _client.Load(buffer.Address + 4096 - 16, 0, 64);
        Assert.True(_model.Buffer[..16].IndexOfAnyExcept((byte)0) < 0);
        Assert.True(_model.Buffer[16..64].IndexOfAnyExcept((byte)0x55) < 0);
    }

    [Fact]
    public void A_transfer_that_is_held_back_is_given_up_and_the_device_taken_back()
    {
        _client.Limit = TimeSpan.FromSeconds(1);
        Assert.Equal(Status.TimedOut, _client.TryLoad(new Iova(0x1000), 0, 64));
        Assert.Equal((DmaStatus.Stalled, new Iova(0x1000)), (_model.LastAccess, _model.LastFailure));
        using var buffer = Mapped(4096);
        _client.Load(buffer.Address, 0, 64);
    }

    [Fact]
    public void An_interrupt_that_does_not_come_is_noticed()
    {
        _model.Interrupt.Changed = null;
        _client.Limit = TimeSpan.FromSeconds(1);
        using var buffer = Mapped(4096);
        Assert.Equal(Status.TimedOut, _client.TryLoad(buffer.Address, 0, 64));
        Assert.Equal(Status.TimedOut, Assert.Throws<ApertureException>(() => _client.Factorial(3)).Status);
        Assert.Equal(Status.TimedOut, Assert.Throws<ApertureException>(() => _client.RaiseInterrupt(3)).Status);
        Assert.Equal(6u, _client.Factorial(3, EduWait.Poll));
    }

    [Fact]
    public void A_device_that_was_left_at_work_is_usable()
    {
        using var machine = new TestMachine();
        var model = new Model(new DmaPort(machine.Bus), new EduOptions { Time = _clock, DmaMask = uint.MaxValue });
        machine.Wire(model);
        machine.Clock.Enable();
        machine.Reset.Enable();
        machine.Domain.Enable();
        Assert.True(model.TryWrite(EduRegisters.InterruptRaise, 4, 0x80));
        Assert.True(model.TryWrite(EduRegisters.DmaSource, 8, TestMachine.Ram));
        Assert.True(model.TryWrite(EduRegisters.DmaDestination, 8, EduRegisters.Buffer));
        Assert.True(model.TryWrite(EduRegisters.DmaCount, 8, 16));
        Assert.True(model.TryWrite(EduRegisters.DmaCommand, 4, (uint)(EduDmaCommand.Start | EduDmaCommand.InterruptOnEnd)));
        var client = machine.Bind<EduClient>(new EduDriver(_clock, 32));
        Assert.False(model.Interrupt.IsAsserted);
        using var buffer = machine.Device.Dma.Allocate(4096);
        buffer.Span.Fill(7);
        client.Load(buffer.Address, 0, 16);
        Assert.True(model.Buffer[..16].IndexOfAnyExcept((byte)7) < 0);
        Assert.Equal(2ul, client.Interrupts); // the first is the old transfer's
    }

    [Fact]
    public void Without_an_interrupt_the_driver_polls()
    {
        using var machine = new TestMachine();
        machine.Device.Registers.Add(new BusRegisterRegion("edu", new Model(new DmaPort(machine.Bus), new EduOptions { Time = _clock })));
        var client = machine.Bind<EduClient>(new EduDriver(_clock));
        Assert.Equal(24u, client.Factorial(4, EduWait.Poll));
        Assert.Equal(Status.NotSupported, Assert.Throws<ApertureException>(() => client.Factorial(4)).Status);
        Assert.Equal(Status.NotSupported, client.TryLoad(default, 0, 1));
        Assert.Equal(new Iova((1 << 28) - 1), machine.Device.Dma.Mask);
    }

    [Fact]
    public void Probe_refuses_another_block()
    {
        using var machine = new TestMachine();
        Assert.Equal(Status.NoDevice, Assert.Throws<ApertureException>(() => new EduDriver().Probe(machine.Device)).Status);
        machine.Device.Registers.Add(new BusRegisterRegion("other", _unit));
        Assert.Contains("0x00000000", Assert.Throws<ApertureException>(() => new EduDriver().Probe(machine.Device)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_command_allocates_nothing()
    {
        using var machine = new TestMachine();
        // without timers, which the clock allocates
        machine.Wire(new Model(new DmaPort(machine.Bus), new EduOptions { DmaMask = uint.MaxValue }));
        var client = machine.Bind<EduClient>(new EduDriver(_clock, 32));
        using var buffer = machine.Device.Dma.Allocate(4096);
        var address = buffer.Address;
        Work();
        var least = long.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Work();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
        Assert.Equal(TimeSpan.Zero, _clock.Elapsed);

        void Work()
        {
            for (var i = 0; i < 10; i++)
            {
                client.Load(address, 0, 64);
                client.Store(0, address, 64, EduWait.Poll);
                client.Factorial(5);
            }
        }
    }

    private CoherentBuffer Mapped(int bytes)
    {
        var buffer = _machine.Device.Dma.Allocate(bytes);
        _unit.Map(buffer.Address.Value, new PhysicalAddress(buffer.Address.Value), (ulong)bytes);
        return buffer;
    }
}
