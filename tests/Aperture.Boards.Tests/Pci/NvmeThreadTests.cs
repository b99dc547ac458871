using Aperture.Boards.Tests.Running;
using Aperture.Dma.Sanitizer;
using Aperture.Drivers.Nvme;
using Aperture.Iommu;

namespace Aperture.Boards.Tests.Pci;

/// <summary>Several threads use the queues of one controller, each with its own message, behind an SMMUv3.</summary>
public sealed class NvmeThreadTests
{
    private const int Threads = 4;
    private const int Requests = 400; // of each

    /// <summary>Every thread has blocks of its own, which hold what it wrote last whatever the others do meanwhile; and it runs the
    /// handlers of whatever queue its doorbells make complete.</summary>
    [Theory]
    [InlineData(DomainType.Dma, false)]
    [InlineData(DomainType.DmaDeferred, false)]
    [InlineData(DomainType.Dma, true)]
    public void Threads_read_and_write_at_once(DomainType domain, bool isPolled)
    {
        using var machine = Machine.Boot(
            Runs.Own("virt-arm64"), new MachineOptions { DefaultDomain = domain, Sanitizer = new SanitizerOptions() });
        var device = machine.PciHosts[0].Bridge!.Devices[0].Device;
        machine.Drivers.Unbind(device);
        Assert.True(machine.Drivers.Bind(device, new NvmeDriver(
            machine.Clock, new NvmeDriverOptions { Queues = Threads, QueueEntries = 8, Polling = isPolled })));
        var client = (NvmeClient)device.Bound!;
        var disk = client.Namespaces[0];
        var wrong = new string?[Threads];
        var done = new int[Threads];
        var threads = Enumerable.Range(0, Threads).Select(number => new Thread(() => wrong[number] = Work(disk, number, done))).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Equal(new string?[Threads], wrong);
        Assert.All(done, count => Assert.Equal(Requests, count));
        Assert.Equal((0L, 0L, 0ul), (client.Resets, client.Replays, client.StrayCompletions));
        Assert.Equal(NvmeState.Live, client.State);
        Assert.Equal(0ul, machine.Iommu.FaultCount);
        Assert.Empty(machine.Sanitizer!.Findings);
        machine.Drivers.Unbind(device);
        machine.Sanitizer.AssertClean();
    }

    /// <summary>Requests of a thread, several under way at a time.</summary>
    /// <returns>What was wrong; null for nothing.</returns>
    private static string? Work(NvmeNamespaceDevice disk, int number, int[] done)
    {
        const int Blocks = 512; // of a thread
        const int Batch = 4;
        var random = new Random(number);
        var oracle = new byte[Blocks * 512];
        var memory = disk.Client.Device.Dma.Memory;
        var pieces = Enumerable.Range(0, Batch).Select(_ => memory.Allocate(8192)).ToArray();
        var first = (ulong)(number * Blocks);
        disk.Write(first, oracle);
        for (var request = 0; request < Requests; request += Batch)
        {
            var isWrite = random.Next(2) == 0;
            var places = Enumerable.Range(0, Batch).Select(i => (i * (Blocks / Batch)) + random.Next((Blocks / Batch) - 16)).ToArray();
            var tasks = new Task[Batch];
            for (var i = 0; i < Batch; i++)
            {
                var range = oracle.AsSpan(places[i] * 512, pieces[i].Length);
                if (isWrite)
                {
                    random.NextBytes(range);
                    range.CopyTo(pieces[i].Span);
                }

                tasks[i] = isWrite ? disk.WriteAsync(first + (ulong)places[i], pieces[i]).AsTask()
                    : disk.ReadAsync(first + (ulong)places[i], pieces[i]).AsTask();
            }

            Task.WaitAll(tasks);
            done[number] += Batch;
            for (var i = 0; i < Batch; i++)
            {
                if (!pieces[i].Span.SequenceEqual(oracle.AsSpan(places[i] * 512, pieces[i].Length)))
                    return $"thread {number}, request {request + i}: {(isWrite ? "write" : "read")} at block {places[i]}";
            }
        }

        var back = new byte[oracle.Length];
        disk.Read(first, back);
        Array.ForEach(pieces, piece => memory.Free(piece));
        return back.AsSpan().SequenceEqual(oracle) ? null : $"thread {number}: other bytes in the end";
    }
}
