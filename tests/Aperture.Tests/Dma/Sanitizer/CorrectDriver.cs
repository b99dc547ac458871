using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Dma.Shared;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma.Sanitizer;

/// <summary>A driver that does at random whatever it may, with a device that does the same.</summary>
internal sealed class CorrectDriver(DmaRig rig, Random random)
{
    private const int BlockBytes = 0x3000;

    private readonly MemoryBlock[] _blocks = [.. Enumerable.Range(0, 4).Select(_ => rig.Memory.Allocate(BlockBytes))];
    private readonly List<(DmaMapping Mapping, MemoryBlock Block)> _live = [];
    private readonly HashSet<int> _stories = [];
    private readonly byte[] _bytes = new byte[64 << 10];
    private readonly DmaSegment[] _segments = new DmaSegment[4];
    private readonly int _grain = rig.Dma.IsCoherent ? 1 : HonestMemory.Line; // what shares a line cannot be handed over by itself

    /// <summary>Bytes that the device moved.</summary>
    public long MovedBytes { get; private set; }

    /// <summary>How many kinds of story there were.</summary>
    public int Stories => _stories.Count;

    /// <summary>One story: some mappings live at once and end in any order, or memory of another kind comes and goes.</summary>
    public void Run()
    {
        var story = Math.Min(random.Next(12), 6);
        _stories.Add(story);
        switch (story)
        {
            case 0:
                Scatter();
                break;
            case 1:
                Coherent();
                break;
            case 2:
                Pages();
                break;
            case 3:
                Pieces();
                break;
            case 4:
                Managed();
                break;
            case 5:
                Share();
                break;
            default:
                Stream();
                break;
        }
    }

    private void Stream()
    {
        for (var i = random.Next(3); i >= 0; i--)
        {
            var (start, length) = Part(BlockBytes);
            var block = _blocks[i].Slice(start, length);
            random.NextBytes(block.Span[..Math.Min(length, 100)]);
            _live.Add((rig.Dma.Map(block, (DmaDirection)random.Next(3)), block));
        }

        for (var turns = random.Next(10); turns > 0; turns--)
        {
            var (mapping, block) = _live[random.Next(_live.Count)];
            var (at, length) = Part(block.Length);
            if (random.Next(2) == 0)
                Use(mapping.Address + (ulong)at, length, mapping.Direction);
            else
                CpuTurn(mapping, block, at, length);
        }

        while (_live.Count > 0)
        {
            var at = random.Next(_live.Count);
            var (mapping, block) = _live[at];
            _live.RemoveAt(at);
            mapping.Unmap();
            block.Span[0]++;
        }
    }

    private void CpuTurn(in DmaMapping mapping, MemoryBlock block, int at, int length)
    {
        var isByAddress = random.Next(2) == 0;
        if (isByAddress)
            rig.Dma.SyncForCpu(mapping.Address + (ulong)at, (ulong)length, mapping.Direction);
        else
            mapping.SyncForCpu((ulong)at, (ulong)length);
        if (mapping.Direction == DmaDirection.FromDevice)
        {
            _ = block.Slice(at, length).Span[0];
            if (random.Next(2) == 0)
                return; // nothing was written: nothing to give back
        }
        else
        {
            block.Slice(at, length).Span[random.Next(length)]++;
        }

        if (isByAddress)
            rig.Dma.SyncForDevice(mapping.Address + (ulong)at, (ulong)length, mapping.Direction);
        else
            mapping.SyncForDevice((ulong)at, (ulong)length);
    }

    private void Scatter()
    {
        var pieces = new MemoryBlock[1 + random.Next(4)];
        for (var i = 0; i < pieces.Length; i++)
        {
            var (start, length) = random.Next(2) == 0 ? (0x1000, 0x1000) : Part(BlockBytes);
            pieces[i] = random.Next(8) == 0 && i > 0 ? default : _blocks[i].Slice(start, length);
        }

        var direction = (DmaDirection)random.Next(3);
        using (var mapping = rig.Dma.MapScatter(pieces, _segments, direction))
        {
            for (var turns = 1 + random.Next(2); turns > 0; turns--)
            {
                foreach (var segment in mapping.Segments)
                    Use(segment.Address, (int)segment.Length, direction);
                mapping.SyncForCpu();
                if (direction != DmaDirection.FromDevice)
                    pieces[0].Span[0]++;
                mapping.SyncForDevice();
            }
        }

        _ = pieces[0].Span[0];
    }

    private void Coherent()
    {
        using var buffer = rig.Dma.Allocate(1 + random.Next(10000), random.Next(2) == 0 ? DmaAttributes.WriteCombine : DmaAttributes.None);
        using var view = random.Next(2) == 0 ? buffer.MapToUser(0, buffer.Length) : null;
        Use(buffer.Address, buffer.Length, DmaDirection.Bidirectional);
        buffer.Span[0]++;
        if (view is not null)
            view.Span[^1]++;
        Use(buffer.Address, buffer.Length, DmaDirection.Bidirectional);
    }

    private void Pages()
    {
        var direction = (DmaDirection)random.Next(3);
        using var buffer = rig.Dma.AllocatePages(1 + random.Next(10000), direction);
        for (var turns = random.Next(4); turns > 0; turns--)
        {
            Use(buffer.Mapping.Address, buffer.Memory.Length, direction);
            CpuTurn(buffer.Mapping, buffer.Memory, 0, buffer.Memory.Length);
        }
    }

    private void Pieces()
    {
        var direction = (DmaDirection)random.Next(3);
        using var buffer = rig.Dma.AllocateNoncontiguous(1 + random.Next(10000), direction, random.Next(2) == 0
            ? DmaAttributes.AllocSinglePages : DmaAttributes.None);
        Use(buffer.Address, buffer.Length, direction);
        buffer.SyncForCpu();
        if (direction != DmaDirection.FromDevice)
            buffer.Pieces[0].Span[0]++;
        buffer.SyncForDevice();
        Use(buffer.Address, buffer.Length, direction);
    }

    private void Managed()
    {
        var memory = new byte[1 + random.Next(5000)];
        var direction = (DmaDirection)random.Next(3);
        using var managed = rig.Dma.MapManaged(memory, direction);
        Use(managed.Mapping.Address, memory.Length, direction);
        managed.Mapping.SyncForCpu();
        if (direction != DmaDirection.FromDevice)
            memory[0]++;
        managed.Mapping.SyncForDevice();
        Use(managed.Mapping.Address, memory.Length, direction);
    }

    private void Share()
    {
        using var buffer = SharedBuffer.Allocate(rig.Memory, 1 + random.Next(10000));
        var address = buffer.Attach(rig.Device);
        for (var turns = random.Next(4); turns > 0; turns--)
        {
            using (buffer.TryBegin(null, DmaDirection.Bidirectional))
                buffer.Block.Span[0]++;
            var direction = (DmaDirection)random.Next(3);
            using (buffer.TryBegin(rig.Device, direction))
                Use(address, buffer.Block.Length, direction);
            using (buffer.TryBegin(null, DmaDirection.ToDevice))
                _ = buffer.Block.Span[0];
        }
    }

    private void Use(Iova address, int length, DmaDirection direction)
    {
        var isWrite = direction == DmaDirection.FromDevice || (direction == DmaDirection.Bidirectional && random.Next(2) == 0);
        var bytes = _bytes.AsSpan(0, length);
        MovedBytes += length;
        if (!isWrite)
        {
            rig.Read(address, bytes);
            return;
        }

        bytes.Fill((byte)random.Next(256));
        rig.Write(address, bytes);
    }

    /// <summary>A part, mostly short.</summary>
    private (int Start, int Length) Part(int whole)
    {
        var start = random.Next((whole + _grain - 1) / _grain) * _grain;
        var most = random.Next(4) == 0 ? whole - start : Math.Min(whole - start, 1500);
        var length = 1 + random.Next(most);
        return (start, Math.Min(whole - start, (length + _grain - 1) / _grain * _grain));
    }
}
