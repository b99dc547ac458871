using Aperture.Core;
using Aperture.Datasheets.Omap3Isp;
using Aperture.Devices;
using Aperture.Drivers.Omap3Isp;
using Aperture.Drivers.Tests.Machine;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Tests.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Drivers.Tests.Omap3Isp;

public sealed class Omap3IspTests : IDisposable
{
    private const int Width = 64;
    private const int Height = 32;

    private readonly TestMachine _machine = new("480bc000.isp");
    private readonly PageUnit _unit;
    private readonly Omap3IspCapture _isp;
    private readonly SensorModel _sensor;
    private readonly Omap3IspStream _stream;
    private readonly List<Omap3IspFrame> _frames = [];

    public Omap3IspTests()
    {
        _unit = new PageUnit(_machine.Bus);
        _unit.Map(TestMachine.Ram, new PhysicalAddress(TestMachine.Ram), TestMachine.RamBytes);
        _isp = new Omap3IspCapture(new DmaPort(_machine.Bus, _unit));
        _machine.Wire(_isp);
        _sensor = new SensorModel(_isp, Width, Height);
        _stream = _machine.Bind<Omap3IspStream>(new Omap3IspDriver());
    }

    public void Dispose()
    {
        _sensor.Dispose();
        _machine.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Frames_arrive_whole_and_in_order(bool packed)
    {
        _stream.FrameDone = frame =>
        {
            AssertPicture(frame, frame.Sequence);
            _frames.Add(frame);
            _stream.Queue(frame.Index);
        };
        _stream.Start(new Omap3IspFormat(Width, Height, packed), buffers: 2);
        Assert.True(_machine.IsOn);
        for (var i = 0; i < 10; i++)
            _sensor.SendFrame();
        Assert.Equal(Enumerable.Range(0, 10).Select(i => (uint)i), _frames.Select(frame => frame.Sequence));
        Assert.Equal([0, 1, 0, 1, 0, 1, 0, 1, 0, 1], _frames.Select(frame => frame.Index));
        Assert.Equal((10u, 0u, 0u), (_stream.Sequence, _stream.Overruns, _stream.Errors));
        _stream.Stop();
        Assert.True(_machine.IsOff);
        Assert.Equal(0, _machine.Memory.Taken);
    }

    [Fact]
    public void Frames_without_a_buffer_are_overruns()
    {
        _stream.FrameDone = _frames.Add;
        Start(buffers: 3);
        for (var i = 0; i < 5; i++)
            _sensor.SendFrame();
        Assert.Equal([0u, 1u], _frames.Select(frame => frame.Sequence));
        Assert.Equal(3u, _stream.Overruns);
        _stream.Queue(_frames[0].Index);
        _sensor.SendFrame();
        Assert.Equal(5u, _frames[^1].Sequence);
        AssertPicture(_frames[^1], 5);
        Assert.Throws<ApertureException>(() => _stream.Queue(_frames[0].Index));
        Assert.Throws<ApertureException>(() => _stream.Queue(3));
    }

    [Fact]
    public void Suspend_in_mid_stream_keeps_the_session()
    {
        _stream.FrameDone = frame =>
        {
            AssertPicture(frame, _sensor.Frame);
            _frames.Add(frame);
            _stream.Queue(frame.Index);
        };
        Start();
        var addresses = _stream.BufferAddresses.ToArray();
        _sensor.SendFrame();
        for (var i = 0; i < Height / 2; i++)
            _sensor.Tick();

        _machine.Device.Power.Sleep();
        Assert.True(_machine.IsOff);
        _sensor.SendFrame();
        _sensor.SendFrame();
        _machine.Device.Power.Wake();

        Assert.True(_stream.IsStreaming);
        _sensor.SendFrame();
        _sensor.SendFrame();
        Assert.Equal([0u, 1u, 2u], _frames.Select(frame => frame.Sequence));
        Assert.Equal([0, 1, 2], _frames.Select(frame => frame.Index));
        Assert.Equal(addresses, _stream.BufferAddresses);
        Assert.Equal(3, _machine.Memory.Taken);
    }

    [Theory]
    [InlineData(TranslationStatus.Stalled)]
    [InlineData(TranslationStatus.Aborted)]
    public void A_fault_is_an_error_of_the_frame_and_the_stream_goes_on(TranslationStatus fault)
    {
        _unit.Otherwise = fault;
        _stream.FrameDone = frame =>
        {
            _frames.Add(frame);
            _stream.Queue(frame.Index);
        };
        Start();
        var page = _stream.BufferAddresses.ElementAt(1).Value;
        _unit.Unmap(page);
        _sensor.SendFrame();
        _sensor.SendFrame();
        _unit.Map(page, new PhysicalAddress(page), 4096);
        _sensor.SendFrame();
        Assert.Equal([Status.Ok, Status.IoError, Status.Ok], _frames.Select(frame => frame.Status));
        Assert.Equal(1u, _stream.Errors);
        Assert.False(_isp.Interrupt.IsAsserted);
    }

    [Fact]
    public void Nothing_is_written_after_stop()
    {
        Start();
        _sensor.Tick();
        _stream.Stop();
        var before = _machine.Bytes(TestMachine.Ram, TestMachine.RamBytes).ToArray();
        _sensor.SendFrame();
        _sensor.SendFrame();
        Assert.True(_machine.Bytes(TestMachine.Ram, TestMachine.RamBytes).SequenceEqual(before));
        Start();
        _sensor.SendFrame();
        Assert.Equal(1u, _stream.Sequence);
        _machine.Unbind();
        Assert.True(_machine.IsOff);
        Assert.Equal(0, _machine.Memory.Taken);
    }

    [Fact]
    public void Impossible_streams_are_refused()
    {
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => _stream.Start(new Omap3IspFormat(63, 32))).Status);
        Assert.Equal(Status.NoMemory, Assert.Throws<ApertureException>(() => _stream.Start(new Omap3IspFormat(2048, 2048), 3)).Status);
        Assert.Equal(0, _machine.Memory.Taken);
        _machine.IsBroken = true;
        Assert.Throws<BusErrorException>(() => Start());
        Assert.Equal((0, false), (_machine.Memory.Taken, _machine.Device.Power.IsActive));
        _machine.IsBroken = false;
        Start();
        Assert.Equal(Status.Busy, Assert.Throws<ApertureException>(() => Start()).Status);
    }

    [Fact]
    public void The_sensor_moves_and_runs_by_a_clock()
    {
        Assert.NotEqual(_sensor.ColourAt(0, 6, 0), _sensor.ColourAt(8, 6, 0));
        Assert.Equal(_sensor.ColourAt(0, 6, Height - 1), _sensor.ColourAt(8, 6, Height - 1));
        var clock = new HandClock();
        Start();
        _sensor.Start(clock, TimeSpan.FromMilliseconds(40));
        clock.Fire();
        clock.Fire();
        Assert.Equal(2u, _stream.Sequence);
        _sensor.Stop();
        Assert.False(clock.IsRunning);
    }

    [Fact]
    public void Random_register_writes_never_throw()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        _machine.Device.Power.Get();
        for (var i = 0; i < 5000; i++)
        {
            var offset = (uint)random.Next((int)Omap3IspRegisters.Size / 4) * 4;
            if (random.Next(2) == 0)
                offset = CcdcRegisters.Base + ((uint)random.Next(0x2C) * 4);
            var value = (uint)random.NextInt64();
            var failure = Record.Exception(() =>
            {
                _isp.TryWrite(Omap3IspRegisters.Control, 4, Omap3IspControl.CcdcClock);
                _isp.TryWrite(offset, 4, value);
                _sensor.Tick();
            });
            Assert.True(failure is null, $"seed {seed}, write {i}: {failure}");
        }

        // Whatever it was told, a capture that begins afterwards is whole.
        _machine.Device.Power.Put();
        _stream.FrameDone = _frames.Add;
        Start();
        // Interrupts that nobody wanted may have switched the line off, as an operating system does: who asks for it gets it again.
        using var again = _machine.Device.Interrupts[0].Request(() => InterruptResult.None);
        for (var i = 0; i < 3; i++)
            _sensor.SendFrame();
        Assert.False(_frames.Count == 0, $"seed {seed}: no frame came");
    }

    private void Start(int buffers = 3) => _stream.Start(new Omap3IspFormat(Width, Height), buffers);

    private void AssertPicture(Omap3IspFrame frame, uint sensorFrame)
    {
        var picture = frame.ToPicture();
        for (var y = 0; y < Height; y++)
        {
            for (var x = 0; x < Width; x++)
                Assert.Equal(_sensor.ColourAt(sensorFrame, x, y), picture[x, y]);
        }
    }

    private sealed class HandClock : TimeProvider
    {
        private Action? _fire;

        public bool IsRunning => _fire is not null;

        public void Fire() => _fire!();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _fire = () => callback(state);
            return new Handle(this);
        }

        private sealed class Handle(HandClock clock) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose() => clock._fire = null;

            public ValueTask DisposeAsync()
            {
                Dispose();
                return ValueTask.CompletedTask;
            }
        }
    }
}
