using Aperture.Core;
using Aperture.Dma.Memory;
using Aperture.Drivers.Sd;
using Aperture.Drivers.Tests.Machine;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Tests.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Drivers.Tests.Sd;

public sealed class SdBlockDeviceTests : IDisposable
{
    private readonly TestMachine _machine = new("1000.mmc");
    private readonly byte[] _image = new byte[2 << 20];
    private readonly PageUnit _unit;
    private readonly SdBlockDevice _disk;

    public SdBlockDeviceTests()
    {
        new Random(4).NextBytes(_image);
        _unit = new PageUnit(_machine.Bus);
        _unit.Map(TestMachine.Ram, new PhysicalAddress(TestMachine.Ram), TestMachine.RamBytes);
        _machine.Wire(new SdHost(new DmaPort(_machine.Bus, _unit), new SdCard(_image)));
        _disk = _machine.Bind<SdBlockDevice>(new SdHostDriver(["test,sdhci"]));
    }

    public void Dispose() => _machine.Dispose();

    [Theory]
    [InlineData(0, 1)]
    [InlineData(5, 8)]
    [InlineData(4095, 1)]
    [InlineData(3072, 1024)]
    public void A_buffer_that_stays_mapped_reads_and_writes(int block, int count)
    {
        Assert.Equal(4096, _disk.Blocks);
        using var buffer = _disk.AllocateBuffer(1024);
        var bytes = count * 512;
        Assert.Equal(Status.Ok, _disk.Read(block, buffer, count));
        Assert.True(buffer.Span[..bytes].SequenceEqual(_image.AsSpan(block * 512, bytes)));
        new Random(9).NextBytes(buffer.Span[..bytes]);
        var before = _image.ToArray();
        Assert.Equal(Status.Ok, _disk.Write(block, buffer, count));
        buffer.Span[..bytes].CopyTo(before.AsSpan(block * 512));
        Assert.Equal(before, _image);
        Assert.Equal(2ul, _disk.Transfers);
        Assert.True(_machine.IsOff);
    }

    [Fact]
    public void Pieces_are_read_and_written_as_one()
    {
        MemoryBlock[] pieces =
            [_machine.Memory.Allocate(4096).Slice(4, 100), _machine.Memory.Allocate(200_000).Slice(0, 150_000),
            _machine.Memory.Allocate(4096).Slice(0, 428)];
        var total = pieces.Sum(piece => piece.Length);
        Assert.Equal(Status.Ok, _disk.Read(3, pieces));
        Assert.Equal(_image.AsSpan(3 * 512, total).ToArray(), pieces.SelectMany(piece => piece.Span.ToArray()).ToArray());
        foreach (var piece in pieces)
            new Random(piece.Length).NextBytes(piece.Span);
        Assert.Equal(Status.Ok, _disk.Write(700, pieces));
        Assert.Equal(_image.AsSpan(700 * 512, total).ToArray(), pieces.SelectMany(piece => piece.Span.ToArray()).ToArray());
    }

    [Fact]
    public void Bad_requests_are_refused()
    {
        using var buffer = _disk.AllocateBuffer(4);
        Assert.Equal(Status.OutOfRange, _disk.Read(4095, buffer, 2));
        Assert.Equal(Status.OutOfRange, _disk.Read(-1, buffer, 1));
        Assert.Equal(Status.OutOfRange, _disk.Write(0, buffer, 5));
        Assert.Equal(Status.OutOfRange, _disk.Write(0, buffer, 0));
        var block = _machine.Memory.Allocate(1 << 20);
        Assert.Equal(Status.InvalidArgument, _disk.Read(0, block.Slice(0, 511)));
        Assert.Equal(Status.InvalidArgument, _disk.Read(0, block.Slice(2, 512)));
        Assert.Equal(Status.InvalidArgument, _disk.Read(0));
        Assert.Equal(Status.InvalidArgument, _disk.Read(0, block));
        Assert.Equal(Status.OutOfRange, _disk.Read(4096, block.Slice(0, 512)));
        Assert.Equal(Status.OutOfRange, Assert.Throws<ApertureException>(() => _disk.AllocateBuffer(0)).Status);
        Assert.Equal(Status.OutOfRange, Assert.Throws<ApertureException>(() => _disk.AllocateBuffer(1025)).Status);
        Assert.Equal(0ul, _disk.Transfers);
    }

    [Fact]
    public void A_fault_is_told_and_the_next_request_works()
    {
        var block = _machine.Memory.Allocate(4096);
        Assert.Equal(Status.Ok, _disk.Read(0, block));
        _unit.Unmap(block.Address.Value);
        Assert.Equal(Status.IoError, _disk.Read(0, block));
        Assert.Contains("command ReadMultiple failed: the data of the descriptor before 0x", _disk.Failure, StringComparison.Ordinal);
        Assert.True(_machine.IsOff);
        _unit.Map(block.Address.Value, block.Address, 4096);
        Assert.Equal(Status.Ok, _disk.Read(8, block));
        Assert.Null(_disk.Failure);
        Assert.True(block.Span.SequenceEqual(_image.AsSpan(4096, 4096)));
    }

    [Fact]
    public void A_card_that_lost_its_power_is_brought_up_anew()
    {
        using var buffer = _disk.AllocateBuffer(1);
        for (var i = 0; i < 3; i++)
        {
            Assert.True(_machine.IsOff); // the domain goes off between requests, and the card with it
            Assert.Equal(Status.Ok, _disk.Read(i, buffer, 1));
            Assert.True(buffer.Span.SequenceEqual(_image.AsSpan(i * 512, 512)));
        }
    }

    [Fact]
    public void Probe_refuses_an_empty_slot_and_what_is_no_controller()
    {
        using var machine = new TestMachine();
        Assert.Equal(Status.NoDevice, Assert.Throws<ApertureException>(() => new SdHostDriver([]).Probe(machine.Device)).Status);
        machine.Wire(new SdHost(new DmaPort(machine.Bus), null));
        machine.Device.Power.Get();
        Assert.Contains("has no card", Assert.Throws<ApertureException>(() => new SdHostDriver([]).Probe(machine.Device)).Message,
            StringComparison.Ordinal);
        using var other = new TestMachine();
        other.Wire(new Hardware.Masters.DmaMaster(new DmaPort(other.Bus)));
        other.Device.Power.Get();
        Assert.Contains("no ADMA2", Assert.Throws<ApertureException>(() => new SdHostDriver([]).Probe(other.Device)).Message,
            StringComparison.Ordinal);
        Assert.Equal(0, machine.Memory.Taken);
    }

    [Fact]
    public void Memory_comes_back_when_the_driver_goes()
    {
        _disk.AllocateBuffer(8).Dispose();
        Assert.Equal(Status.Ok, _disk.Read(0, _machine.Memory.Allocate(512)));
        Assert.Equal(2, _machine.Memory.Taken);
        _machine.Unbind();
        Assert.Equal(1, _machine.Memory.Taken);
        Assert.True(_machine.IsOff);
    }

    [Fact]
    public void A_request_allocates_nothing()
    {
        using var buffer = _disk.AllocateBuffer(8);
        _disk.Read(0, buffer, 8);
        var least = long.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            _disk.Read(0, buffer, 8);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }
}
