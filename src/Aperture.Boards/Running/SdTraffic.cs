using Aperture.Core;
using Aperture.Datasheets.DmaMaster;
using Aperture.Dma.Memory;
using Aperture.Drivers.Sd;
using Aperture.Hardware.Masters;

namespace Aperture.Boards.Running;

/// <summary>What is read from and written to one SD card, compared byte for byte with its image and with a copy of what that should
/// be.</summary>
/// <param name="disk">The card's driver.</param>
/// <param name="image">The card's blocks.</param>
/// <param name="pool">Where buffers must come from; null when that is of no account.</param>
/// <param name="far">Memory for scattered transfers that the device cannot reach by itself, <see cref="ScatteredBytes"/>; null for
/// any.</param>
internal sealed class SdTraffic(SdBlockDevice disk, byte[] image, SystemMemory? pool, MemoryBlock? far)
{
    /// <summary>Bytes of memory that scattered transfers go to.</summary>
    public const int ScatteredBytes = 64 << 10;

    private const int Rounds = 24;
    private const int BufferBlocks = 64;
    private const int Pieces = 4;

    private readonly Random _random = new(3);
    private readonly byte[] _expected = [.. image]; // what the card must hold

    /// <summary>Blocks read.</summary>
    public long BlocksRead { get; private set; }

    /// <summary>Blocks written.</summary>
    public long BlocksWritten { get; private set; }

    /// <summary>Where the bytes went, for people.</summary>
    public string Detail { get; private set; } = "";

    /// <summary>A card with a pattern on it.</summary>
    public static (SdCard Card, byte[] Image) NewCard(int bytes)
    {
        var image = new byte[bytes];
        DmaMasterPattern.Fill(image, 1, 0);
        return (new SdCard(image), image);
    }

    /// <summary>Runs all of it. Returns what went wrong, or null.</summary>
    public string? Run()
    {
        if (disk.Blocks != image.Length / SdBlockDevice.BlockBytes)
            return $"the card has {disk.Blocks} blocks, not {image.Length / SdBlockDevice.BlockBytes}";
        return Buffered() ?? Scattered() ?? Beyond();
    }

    /// <summary>Through a buffer that stays mapped.</summary>
    private string? Buffered()
    {
        using var buffer = disk.AllocateBuffer(BufferBlocks);
        if (pool is not null && !pool.Owns(buffer.Memory.Address))
            return $"the buffer at {buffer.Memory.Address} is not in the contiguous pool";
        for (var round = 0; round < Rounds; round++)
        {
            var (block, count) = Extent(BufferBlocks);
            var bytes = buffer.Memory.Slice(0, count * SdBlockDevice.BlockBytes);
            if (round % 2 == 0)
            {
                if (Check(disk.Read(block, buffer, count), "read") is { } trouble)
                    return trouble;
                if (Difference(bytes.Span, block) is { } difference)
                    return $"read into the buffer: {difference}";
                BlocksRead += count;
                continue;
            }

            DmaMasterPattern.Fill(bytes.Span, (ulong)round, 0);
            Expect(bytes.Span, block);
            if (Check(disk.Write(block, buffer, count), "write") is { } failure)
                return failure;
            BlocksWritten += count;
        }

        if (pool is not null)
            Detail = $", buffer at {buffer.Memory.Address} in the pool from {pool.LowestAddress} on";
        return Compare();
    }

    /// <summary>Through memory that is mapped for one request.</summary>
    private string? Scattered()
    {
        var memory = disk.Device.Dma.Memory;
        var whole = far ?? memory.Allocate(ScatteredBytes);
        try
        {
            for (var round = 0; round < Rounds; round++)
            {
                var (block, count) = Extent(ScatteredBytes / Pieces / SdBlockDevice.BlockBytes);
                var pieces = Cut(whole, count * SdBlockDevice.BlockBytes);
                if ((round % 2 == 0 ? Read(block, count, pieces) : Write(block, count, pieces, (ulong)(100 + round))) is { } trouble)
                    return trouble;
            }
        }
        finally
        {
            if (far is null)
                memory.Free(whole);
        }

        if (far is not null)
        {
            if (disk.Device.Dma.BouncePool.PeakSlots == 0)
                return "nothing bounced, though the device reaches none of the memory";
            Detail = $", memory at {whole.Address} beyond its bus, {disk.Device.Dma.BouncePool.PeakSlots} bounce slots at most";
        }

        if (far is not null && disk.Device.Dma.BouncePool.UsedSlots != 0)
            return $"{disk.Device.Dma.BouncePool.UsedSlots} bounce slots were not given back";
        return Compare();
    }

    private string? Read(long block, int count, MemoryBlock[] pieces)
    {
        if (Check(disk.Read(block, pieces), "read") is { } trouble)
            return trouble;
        var at = (int)(block * SdBlockDevice.BlockBytes);
        foreach (var piece in pieces)
        {
            if (!piece.Span.SequenceEqual(_expected.AsSpan(at, piece.Length)))
                return $"read into pieces: bytes differ from those of the card from 0x{at:x} on";
            at += piece.Length;
        }

        BlocksRead += count;
        return null;
    }

    private string? Write(long block, int count, MemoryBlock[] pieces, ulong seed)
    {
        var position = 0;
        foreach (var piece in pieces)
        {
            DmaMasterPattern.Fill(piece.Span, seed, (ulong)position);
            position += piece.Length;
        }

        DmaMasterPattern.Fill(_expected.AsSpan((int)(block * SdBlockDevice.BlockBytes), position), seed, 0);
        BlocksWritten += count;
        return Check(disk.Write(block, pieces), "write");
    }

    /// <summary>A request beyond the end reaches neither card nor memory.</summary>
    private string? Beyond()
    {
        using var buffer = disk.AllocateBuffer(2);
        var status = disk.Read(disk.Blocks - 1, buffer, 2);
        return status == Status.OutOfRange ? null : $"a read beyond the end ended with {status}";
    }

    /// <summary>Pieces that lie apart, each at a cache line of its own; their lengths are multiples of 4.</summary>
    private MemoryBlock[] Cut(MemoryBlock whole, int bytes)
    {
        var pieces = new MemoryBlock[1 + _random.Next(Pieces)];
        var room = ScatteredBytes / Pieces;
        for (var i = 0; i < pieces.Length; i++)
        {
            var length = i == pieces.Length - 1 ? bytes : bytes / 2 / 4 * 4;
            var start = _random.Next(((room - length) / 256) + 1) * 256;
            pieces[i] = whole.Slice((i * room) + start, length);
            bytes -= length;
        }

        return pieces;
    }

    private (long Block, int Count) Extent(int most)
    {
        var count = 1 + _random.Next(most);
        return (_random.NextInt64(disk.Blocks - count + 1), count);
    }

    private string? Check(Status status, string verb) => status == Status.Ok ? null : $"a {verb} ended with {status}: {disk.Failure}";

    private void Expect(ReadOnlySpan<byte> bytes, long block) => bytes.CopyTo(_expected.AsSpan((int)(block * SdBlockDevice.BlockBytes)));

    private string? Difference(ReadOnlySpan<byte> bytes, long block)
    {
        var at = bytes.CommonPrefixLength(_expected.AsSpan((int)(block * SdBlockDevice.BlockBytes), bytes.Length));
        return at == bytes.Length ? null : $"byte {at} of block {block} is 0x{bytes[at]:x2}";
    }

    private string? Compare() => Difference(image, 0) is { } difference ? $"on the card: {difference}" : null;
}
