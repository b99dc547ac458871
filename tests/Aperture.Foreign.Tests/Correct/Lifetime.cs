using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Foreign.Tests.Bench;

namespace Aperture.Foreign.Tests.Correct;

/// <summary>Probe, suspend, resume, unbind.</summary>
internal static class Lifetime
{
    public static void A_receive_ring_over_a_suspend(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(2048);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        hw.Write(mapping.Address, Data.Of(1, 500));
        board.A.Device.Power.Put();
        mapping.SyncForCpu(0, 512);
        Data.Same(Data.Of(1, 500), buffer.Slice(0, 500).Span);
        mapping.SyncForDevice(0, 512);
        board.A.Device.Power.Get();
        hw.Write(mapping.Address, Data.Of(2, 500));
        mapping.Unmap();
        Data.Same(Data.Of(2, 500), buffer.Slice(0, 500).Span);
        board.Free(buffer);
    }

    public static void The_context_is_saved_in_the_suspend_and_restored_in_the_resume(Board board)
    {
        var (dma, hw) = board.A;
        using var context = dma.Allocate(1024);
        byte[] restored = [];
        board.A.OnSuspend = () => hw.Write(context.Address, Data.Of(5, 1024));
        board.A.OnResume = () => restored = hw.Read(context.Address, 1024);
        board.A.Device.Power.Put();
        Data.Same(Data.Of(5, 1024), context.Span);
        board.A.Device.Power.Get();
        (board.A.OnSuspend, board.A.OnResume) = (null, null);
        Data.Same(Data.Of(5, 1024), restored);
    }

    public static void The_device_is_held_for_each_transfer(Board board)
    {
        var (dma, hw) = board.A;
        board.A.Device.Power.Put();
        var buffer = board.Take(1024);
        for (var i = 0; i < 3; i++)
        {
            using var mapping = dma.Map(buffer, DmaDirection.FromDevice);
            using var power = board.A.Device.Power.Hold();
            hw.Write(mapping.Address, Data.Of(i, 1024));
        }

        Data.Same(Data.Of(2, 1024), buffer.Span);
        board.Free(buffer);
        board.A.Device.Power.Get();
    }

    public static void The_system_sleeps_with_buffers_mapped(Board board)
    {
        var (dma, hw) = board.A;
        using var ring = dma.Allocate(64);
        var buffer = board.Take(4096);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        Ring.Post(ring.Span, 0, mapping.Address, 4096);
        board.Machine.Drivers.Suspend();
        board.Machine.Drivers.Resume();
        hw.Receive(ring.Address, 0, Data.Of(3, 1000));
        mapping.Unmap();
        Data.Same(Data.Of(3, 1000), buffer.Slice(0, 1000).Span);
        board.Free(buffer);
    }

    public static void What_the_device_manages_goes_by_itself(Board board)
    {
        var (dma, hw) = board.A;
        var ring = board.A.Device.Manage<IDisposable>(dma.Allocate(256));
        var blocks = board.A.Device.Manage(new CoherentBlocks(dma, 64));
        using (var block = blocks.Allocate())
            hw.Write(block.Address, Data.Of(1, 64));
        hw.Write(((CoherentBuffer)ring).Address, Data.Of(2, 256));
        Data.Same(Data.Of(2, 256), ((CoherentBuffer)ring).Span);
        board.Unbind(board.A);
    }

    public static void The_driver_goes_and_comes_three_times(Board board)
    {
        for (var i = 0; i < 3; i++)
        {
            var (dma, hw) = board.A;
            var ring = dma.Allocate(64);
            var buffer = board.Take(4096);
            var mapping = dma.Map(buffer, DmaDirection.FromDevice);
            Ring.Post(ring.Span, 0, mapping.Address, 4096);
            hw.Receive(ring.Address, 0, Data.Of(i, 800));
            board.A.OnRemove = () =>
            {
                mapping.Unmap();
                ring.Dispose();
            };
            board.Rebind(board.A);
            board.A.OnRemove = null;
            Data.Same(Data.Of(i, 800), buffer.Slice(0, 800).Span);
            board.Free(buffer);
        }
    }

    public static void A_probe_fails_half_way_and_gives_everything_back(Board board)
    {
        board.Unbind(board.A);
        var isReady = false;
        board.A.OnProbe = () =>
        {
            var (dma, hw) = board.A;
            using var ring = dma.Allocate(128);
            var buffer = dma.Memory.Allocate(2048);
            var mapping = dma.Map(buffer, DmaDirection.FromDevice);
            try
            {
                hw.Write(mapping.Address, Data.Of(1, 100));
                if (!isReady)
                    throw new ApertureException(Status.IoError, "the firmware does not answer");
            }
            finally
            {
                mapping.Unmap();
                dma.Memory.Free(buffer);
            }
        };
        Assert.False(board.Machine.Drivers.Bind(board.A.Device));
        isReady = true;
        Assert.True(board.Machine.Drivers.Bind(board.A.Device));
        board.A.OnProbe = null;
        board.A.Device.Power.Get();
    }

    public static void The_mask_is_set_before_the_first_map(Board board)
    {
        var (dma, hw) = board.A;
        dma.SetMask(36);
        var buffer = board.Take(4096);
        using (var mapping = dma.Map(buffer, DmaDirection.FromDevice))
            hw.Write(mapping.Address, Data.Of(1, 4096));
        Data.Same(Data.Of(1, 4096), buffer.Span);
        board.Free(buffer);
    }

    [On(Ways.BehindUnit)]
    public static void A_few_bits_are_enough_behind_a_unit(Board board)
    {
        var (dma, hw) = board.A;
        dma.SetMask(24);
        var buffer = board.Take(4096);
        using var ring = dma.Allocate(64);
        using (var mapping = dma.Map(buffer, DmaDirection.FromDevice))
        {
            Assert.InRange(mapping.Address.Value, 0u, 0xFF_FFFFu);
            hw.Write(mapping.Address, Data.Of(1, 4096));
        }

        Data.Same(Data.Of(1, 4096), buffer.Span);
        board.Free(buffer);
    }

    /// <summary>The device is gone in the middle of a transfer: nothing more comes, and the driver cleans up.</summary>
    public static void The_device_is_pulled_out(Board board)
    {
        var (dma, hw) = board.A;
        var buffers = new[] { board.Take(4096), board.Take(4096) };
        var mappings = buffers.Select(buffer => dma.Map(buffer, DmaDirection.FromDevice)).ToArray();
        hw.Write(mappings[0].Address, Data.Of(1, 100));
        hw.SetPower(false);
        board.A.OnRemove = () =>
        {
            foreach (var mapping in mappings)
                mapping.Unmap(DmaAttributes.SkipCpuSync);
        };
        board.Unbind(board.A);
        board.A.OnRemove = null;
        board.Free(buffers);
        Assert.Equal(0, hw.Failures);
    }

    /// <summary>What was unmapped is used for something else at once.</summary>
    public static void Memory_is_freed_and_handed_to_another_driver(Board board)
    {
        for (var i = 0; i < 20; i++)
        {
            var client = (i & 1) == 0 ? board.A : board.B;
            var buffer = board.Take(4096);
            using (var mapping = client.Dma.Map(buffer, DmaDirection.FromDevice))
                client.Hw.Write(mapping.Address, Data.Of(i, 4096));
            Data.Same(Data.Of(i, 4096), buffer.Span);
            board.Free(buffer);
        }
    }

    public static void Memory_is_freed_when_no_unit_can_reach_it(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(4096);
        using (var mapping = dma.Map(buffer, DmaDirection.FromDevice))
            hw.Write(mapping.Address, Data.Of(1, 64));
        var isFree = false;
        dma.WhenUnreachable(() =>
        {
            board.Free(buffer);
            isFree = true;
        });
        Assert.True(isFree);
    }
}
