using Aperture.Core;
using Aperture.Datasheets.DmaMaster;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Drivers.DmaMaster;
using Aperture.Drivers.Tests.Machine;
using Aperture.Hardware.Tests.Masters;
using Aperture.Hardware.Translation;
using Model = Aperture.Hardware.Masters.DmaMaster;

namespace Aperture.Drivers.Tests.DmaMaster;

public sealed class DmaMasterClientTests : IDisposable
{
    private readonly TestMachine _machine = new();
    private readonly PageUnit _unit;
    private readonly Model _model; // port 0 straight onto the bus, port 1 through the unit
    private readonly DmaMasterClient _client;

    public DmaMasterClientTests()
    {
        _unit = new PageUnit(_machine.Bus);
        _model = new Model(new DmaPort(_machine.Bus), new DmaPort(_machine.Bus, _unit));
        _machine.Wire(_model);
        _client = _machine.Bind<DmaMasterClient>(new DmaMasterDriver(["test,master"]));
    }

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void Fills_verifies_and_copies_mapped_memory()
    {
        using var buffer = _machine.Device.Dma.Allocate(100_000);
        using var other = _machine.Device.Dma.Map(_machine.Memory.Allocate(100_000), DmaDirection.Bidirectional);
        Assert.Equal(2, _client.PortCount);
        Assert.True(_client.Fill(0, buffer.Address, 100_000, 5).IsOk);
        var expected = new byte[100_000];
        DmaMasterPattern.Fill(expected, 5, 0);
        Assert.True(buffer.Span.SequenceEqual(expected));
        Assert.True(_client.Copy(0, buffer.Address, 0, other.Address, 100_000).IsOk);
        Assert.True(_client.Verify(0, other.Address, 100_000, 5).IsOk);
        Assert.Equal(_client.Read(0, buffer.Address, 100_000).Checksum, _client.Read(0, other.Address, 100_000).Checksum);
        Assert.Equal(5u, _client.Interrupts);
        Assert.True(_machine.IsOff);
    }

    [Fact]
    public void Tells_of_a_mismatch()
    {
        using var buffer = _machine.Device.Dma.Allocate(4096);
        _client.Fill(0, buffer.Address, 4096, 5);
        buffer.Span[100] ^= 1;
        var result = _client.Verify(0, buffer.Address, 4096, 5);
        Assert.Equal((DmaMasterOutcome.Mismatch, buffer.Address + 100), (result.Outcome, result.Address));
        Assert.Equal(result.Expected ^ 1, result.Actual);
    }

    [Fact]
    public void Scatters_and_gathers()
    {
        var pieces = new[] { _machine.Memory.Allocate(5000), _machine.Memory.Allocate(3), _machine.Memory.Allocate(70_000) };
        Span<DmaSegment> segments = stackalloc DmaSegment[3];
        using var target = _machine.Device.Dma.Allocate(75_003);
        using (var mapping = _machine.Device.Dma.MapScatter(pieces, segments, DmaDirection.Bidirectional))
        {
            Assert.True(_client.Fill(0, mapping.Segments, 5).IsOk);
            Assert.True(_client.Verify(0, mapping.Segments, 5).IsOk);
            Assert.True(_client.Copy(0, mapping.Segments, 0,
                [new DmaSegment(target.Address, 1), new DmaSegment(target.Address + 1, 75_002)]).IsOk);
            Assert.Equal(_client.Read(0, target.Address, 75_003).Checksum, _client.Read(0, mapping.Segments).Checksum);
            Assert.Equal(DmaMasterOutcome.ShortList, _client.Copy(0, mapping.Segments, 0, [new DmaSegment(target.Address, 1)]).Outcome);
        }

        var expected = new byte[5000];
        DmaMasterPattern.Fill(expected, 5, 0);
        Assert.True(pieces[0].Span.SequenceEqual(expected));
        Assert.True(_client.Verify(0, target.Address, 75_003, 5).IsOk);
        Assert.True(_client.Fill(0, [], 5).IsOk);
    }

    [Fact]
    public void A_stalled_master_is_recovered()
    {
        var result = _client.Fill(1, new Iova(0x4000_0004), 4096, 1);
        Assert.Equal(new DmaMasterResult(DmaMasterOutcome.Stalled, new Iova(0x4000_0004), true, 0, 0, 0, 0), result);
        Assert.True(result.IsBlocked);
        Assert.False(_model.Interrupt.IsAsserted);
        _unit.Map(0x4000_0000, new PhysicalAddress(TestMachine.Ram), 8192);
        Assert.True(_client.Fill(1, new Iova(0x4000_0004), 4096, 1).IsOk);
    }

    [Fact]
    public void Refusals_and_bus_errors_are_told_with_their_address()
    {
        _unit.Otherwise = TranslationStatus.Aborted;
        _unit.Map(0x4000_0000, new PhysicalAddress(TestMachine.Ram), 4096);
        var result = _client.Verify(1, new Iova(0x4000_0000), 8192, 0);
        Assert.Equal(DmaMasterOutcome.Mismatch, result.Outcome);
        result = _client.Read(1, new Iova(0x4000_0000), 8192);
        Assert.Equal((DmaMasterOutcome.Refused, new Iova(0x4000_1000), 4096UL), (result.Outcome, result.Address, result.BytesDone));
        result = _client.Read(0, new Iova(0x100), 16);
        Assert.Equal((DmaMasterOutcome.BusError, new Iova(0x100), false), (result.Outcome, result.Address, result.IsWrite));
        Assert.Equal(DmaMasterOutcome.BadCommand, _client.Read(2, new Iova(0x100), 16).Outcome);
        Assert.Throws<ArgumentOutOfRangeException>(() => _client.Read(256, new Iova(0x100), 16));
    }

    [Fact]
    public void A_master_that_was_reset_below_the_driver_is_aborted()
    {
        _unit.OnFault = _ => { _model.SetReset(true); _model.SetReset(false); return false; };
        Assert.Equal(DmaMasterOutcome.Aborted, _client.Read(1, new Iova(0x100), 16).Outcome);
    }

    [Fact]
    public void A_master_without_power_is_a_bus_error()
    {
        _machine.IsBroken = true;
        Assert.Throws<BusErrorException>(() => _client.Read(0, new Iova(0x100), 16));
    }

    [Fact]
    public void Probe_refuses_another_block()
    {
        using var machine = new TestMachine();
        Assert.Equal(Status.NoDevice, Assert.Throws<ApertureException>(() => new DmaMasterDriver([]).Probe(machine.Device)).Status);
        machine.Device.Registers.Add(new BusRegisterRegion("other", _unit));
        Assert.Equal(Status.NoDevice, Assert.Throws<ApertureException>(() => new DmaMasterDriver([]).Probe(machine.Device)).Status);
    }

    [Fact]
    public void Lists_are_given_back()
    {
        _client.Read(0, [new DmaSegment(new Iova(TestMachine.Ram), 10)]);
        _client.Fill(0, [new DmaSegment(new Iova(TestMachine.Ram), 10)], 1);
        Assert.Equal(2, _machine.Memory.Taken);
        _machine.Unbind();
        Assert.True(_machine.IsOff);
        Assert.Equal(0, _machine.Memory.Taken);
    }

    [Fact]
    public void A_command_allocates_nothing()
    {
        DmaSegment[] segments = [new(new Iova(TestMachine.Ram), 70_000)];
        _client.Fill(0, segments, 1);
        _client.Verify(0, segments, 1);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10; i++)
            _client.Verify(0, segments, 1);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
