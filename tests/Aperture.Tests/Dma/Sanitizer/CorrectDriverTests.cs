using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Iommu;
using Xunit.Abstractions;

namespace Aperture.Tests.Dma.Sanitizer;

/// <summary>Drivers that do everything right: nothing is found, whatever they do.</summary>
public sealed class CorrectDriverTests(ITestOutputHelper output)
{
    private const int Sequences = 3400;
    private readonly Random _random = new(Seed(output));

    private static int Seed(ITestOutputHelper output)
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        return seed;
    }

    [Theory]
    [InlineData("iommu")]
    [InlineData("iommu-deferred")]
    [InlineData("direct")]
    [InlineData("bounce")]
    public void Random_legal_calls_find_nothing(string path)
    {
        using var rig = new SanitizedRig(type: path == "iommu-deferred" ? DomainType.DmaDeferred : DomainType.Dma, bounce: path == "bounce");
        var device = path.StartsWith("iommu", StringComparison.Ordinal) ? rig.Behind : rig.Direct;
        for (var i = 0; i < Sequences; i++)
        {
            switch (_random.Next(4))
            {
                case 0:
                    Scatter(rig, device);
                    break;
                case 1:
                    Coherent(rig, device);
                    break;
                default:
                    Stream(rig, device);
                    break;
            }
        }

        device.Dma.Detach();
        rig.Sanitizer.AssertClean();
        Assert.Equal(0, rig.Sanitizer.LiveMappings);
        Assert.Equal(0, rig.Sanitizer.UnwatchedContents);
    }

    /// <summary>A mapping with turns of the device and of the CPU.</summary>
    private void Stream(SanitizedRig rig, Device device)
    {
        var whole = rig.Memory.Allocate(0x3000);
        var start = _random.Next(0x1800);
        var block = whole.Slice(start, 1 + _random.Next(0x3000 - start));
        _random.NextBytes(block.Span);
        var direction = (DmaDirection)_random.Next(3);
        var mapping = device.Dma.Map(block, direction);
        for (var turns = _random.Next(8); turns > 0; turns--)
        {
            var at = _random.Next(block.Length);
            var length = 1 + _random.Next(block.Length - at);
            if (_random.Next(2) == 0)
            {
                Use(rig, device, mapping.Address + (ulong)at, length, direction);
                continue;
            }

            if (_random.Next(2) == 0)
                mapping.SyncForCpu((ulong)at, (ulong)length);
            else
                device.Dma.SyncForCpu(mapping.Address + (ulong)at, (ulong)length, direction);
            if (direction != DmaDirection.FromDevice)
                _random.NextBytes(block.Slice(at, length).Span);
            else
                _ = block.Slice(at, length).Span[0];
            if (direction != DmaDirection.FromDevice || _random.Next(2) == 0)
                mapping.SyncForDevice((ulong)at, (ulong)length);
        }

        mapping.Unmap();
        _random.NextBytes(block.Span);
        rig.Memory.Free(whole);
    }

    private void Scatter(SanitizedRig rig, Device device)
    {
        var pieces = new MemoryBlock[1 + _random.Next(4)];
        for (var i = 0; i < pieces.Length; i++)
            pieces[i] = rig.Memory.Allocate(4096);
        var direction = (DmaDirection)_random.Next(3);
        using (var mapping = device.Dma.MapScatter(pieces, new DmaSegment[pieces.Length], direction))
        {
            foreach (var segment in mapping.Segments)
                Use(rig, device, segment.Address, (int)segment.Length, direction);
            mapping.SyncForCpu();
            if (direction != DmaDirection.FromDevice)
                pieces[0].Span[1]++;
            mapping.SyncForDevice();
            foreach (var segment in mapping.Segments)
                Use(rig, device, segment.Address, (int)segment.Length, direction);
        }

        foreach (var piece in pieces)
        {
            _ = piece.Span[0];
            rig.Memory.Free(piece);
        }
    }

    private void Coherent(SanitizedRig rig, Device device)
    {
        using var buffer = device.Dma.Allocate(1 + _random.Next(10000));
        rig.Write(device, buffer.Address, new byte[buffer.Length]);
        _random.NextBytes(buffer.Span);
        rig.Read(device, buffer.Address, buffer.Length);
    }

    private void Use(SanitizedRig rig, Device device, Iova address, int length, DmaDirection direction)
    {
        var isWrite = direction == DmaDirection.FromDevice || (direction == DmaDirection.Bidirectional && _random.Next(2) == 0);
        if (!isWrite)
        {
            Assert.True(rig.Read(device, address, length));
            return;
        }

        var bytes = new byte[length];
        _random.NextBytes(bytes);
        Assert.True(rig.Write(device, address, bytes));
    }
}
