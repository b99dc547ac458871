using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Foreign.Tests.Bench;

namespace Aperture.Foreign.Tests.Correct;

/// <summary>Sound.</summary>
internal static class Audio
{
    private const int Period = 1024;

    public static void Playback_from_a_coherent_ring(Board board)
    {
        var (dma, hw) = board.A;
        using var ring = dma.Allocate(4 * Period);
        Data.Of(0, Period).CopyTo(ring.Span);
        for (var period = 0; period < 9; period++)
        {
            Data.Of(period + 1, Period).CopyTo(ring.Span[((period + 1) % 4 * Period)..]); // ahead of the device
            Data.Same(Data.Of(period, Period), hw.Read(ring.Address + (ulong)(period % 4 * Period), Period));
        }
    }

    public static void Playback_from_cached_pages(Board board)
    {
        var (dma, hw) = board.A;
        using var ring = dma.AllocatePages(4 * Period, DmaDirection.ToDevice);
        for (var period = 0; period < 9; period++)
        {
            var at = period % 4 * Period;
            ring.Mapping.SyncForCpu((ulong)at, Period);
            Data.Of(period, Period).CopyTo(ring.Memory.Slice(at, Period).Span);
            ring.Mapping.SyncForDevice((ulong)at, Period);
            Data.Same(Data.Of(period, Period), hw.Read(ring.Mapping.Address + (ulong)at, Period));
        }
    }

    public static void Capture_into_cached_pages(Board board)
    {
        var (dma, hw) = board.A;
        using var ring = dma.AllocatePages(4 * Period, DmaDirection.FromDevice);
        for (var period = 0; period < 9; period++)
        {
            var at = period % 4 * Period;
            hw.Write(ring.Mapping.Address + (ulong)at, Data.Of(period, Period));
            ring.Mapping.SyncForCpu((ulong)at, Period);
            Data.Same(Data.Of(period, Period), ring.Memory.Slice(at, Period).Span);
            ring.Mapping.SyncForDevice((ulong)at, Period);
        }
    }

    public static void The_stream_pauses_while_the_device_sleeps(Board board)
    {
        var (dma, hw) = board.A;
        using var ring = dma.Allocate(4 * Period);
        Data.Of(1, 4 * Period).CopyTo(ring.Span);
        Data.Same(Data.Of(1, 4 * Period).AsSpan(0, Period), hw.Read(ring.Address, Period));
        board.A.Device.Power.Put();
        Assert.False(board.A.Device.Power.IsActive);
        Data.Of(2, 4 * Period).CopyTo(ring.Span);
        board.A.Device.Power.Get();
        Data.Same(Data.Of(2, 4 * Period).AsSpan(Period, Period), hw.Read(ring.Address + Period, Period));
    }

    public static void Periods_as_a_cycle_of_descriptors(Board board)
    {
        var (dma, hw) = board.A;
        using var descriptors = new CoherentBlocks(dma, Ring.Size, alignment: 16);
        using var samples = dma.Allocate(4 * Period);
        var cycle = Enumerable.Range(0, 4).Select(_ => descriptors.Allocate()).ToArray();
        for (var period = 0; period < 10; period++)
        {
            var i = period % 4;
            Data.Of(period, Period).CopyTo(samples.Span[(i * Period)..]);
            Ring.Post(cycle[i].Span, 0, samples.Address + (ulong)(i * Period), Period);
            Data.Same(Data.Of(period, Period), hw.Transmit(cycle[i].Address, 0));
        }

        foreach (var block in cycle)
            block.Dispose();
    }

    public static void Both_ways_through_one_ring(Board board)
    {
        var (dma, hw) = board.A;
        using var ring = dma.AllocatePages(2 * Period, DmaDirection.Bidirectional);
        for (var period = 0; period < 6; period++)
        {
            var at = (ulong)(period % 2 * Period);
            var samples = ring.Memory.Slice((int)at, Period);
            hw.Write(ring.Mapping.Address + at, Data.Of(period, Period));
            ring.Mapping.SyncForCpu(at, Period);
            Data.Same(Data.Of(period, Period), samples.Span);
            Data.Of(period + 50, Period).CopyTo(samples.Span);
            ring.Mapping.SyncForDevice(at, Period);
            Data.Same(Data.Of(period + 50, Period), hw.Read(ring.Mapping.Address + at, Period));
        }
    }

    public static void The_position_is_written_by_the_device(Board board)
    {
        var (dma, hw) = board.A;
        using var position = dma.Allocate(8);
        for (byte i = 0; i < 5; i++)
        {
            hw.Write(position.Address, [i, 0, 0, 0, 0, 0, 0, 0]);
            Assert.Equal(i, position.Span[0]);
        }
    }

    public static void Two_streams_in_one_period_buffer(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(2 * Period);
        using (var played = dma.Map(buffer.Slice(0, Period), DmaDirection.ToDevice))
        using (var captured = dma.Map(buffer.Slice(Period, Period), DmaDirection.FromDevice))
        {
            played.SyncForCpu();
            Data.Of(3, Period).CopyTo(buffer.Slice(0, Period).Span);
            played.SyncForDevice();
            hw.Transform(played.Address, captured.Address, Period, 0);
        }

        Data.Same(Data.Of(3, Period), buffer.Slice(Period, Period).Span);
        board.Free(buffer);
    }
}
