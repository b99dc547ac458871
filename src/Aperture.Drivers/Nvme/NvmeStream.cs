namespace Aperture.Drivers.Nvme;

/// <summary>A namespace as a stream of bytes.</summary>
/// <remarks>Not thread-safe. A part of a block is read, changed and written; two streams that do so with one block at a time may undo each
/// other's writes.</remarks>
internal sealed class NvmeStream(NvmeNamespaceDevice device) : Stream
{
    private readonly byte[] _block = new byte[device.BlockBytes]; // of which a part is wanted

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => true;

    public override long Length => (long)device.Bytes;

    public override long Position { get; set; }


    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        var total = (int)Math.Min(count, Math.Max(0, Length - Position));
        for (var done = 0; done < total;)
        {
            var (block, inside, length) = Next(total - done);
            if (length < device.BlockBytes)
            {
                device.Read(block, _block);
                _block.AsSpan(inside, length).CopyTo(buffer.AsSpan(offset + done));
            }
            else
            {
                device.Read(block, buffer.AsMemory(offset + done, length));
            }

            Position += length;
            done += length;
        }

        return total;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var total = (int)Math.Min(buffer.Length, Math.Max(0, Length - Position));
        for (var done = 0; done < total;)
        {
            var (block, inside, length) = Next(total - done);
            if (length < device.BlockBytes)
            {
                await device.ReadAsync(block, _block, cancellationToken).ConfigureAwait(false);
                _block.AsMemory(inside, length).CopyTo(buffer[done..]);
            }
            else
            {
                await device.ReadAsync(block, buffer.Slice(done, length), cancellationToken).ConfigureAwait(false);
            }

            Position += length;
            done += length;
        }

        return total;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        CheckRoom(count);
        for (var done = 0; done < count;)
        {
            var (block, inside, length) = Next(count - done);
            if (length < device.BlockBytes)
            {
                device.Read(block, _block);
                buffer.AsSpan(offset + done, length).CopyTo(_block.AsSpan(inside));
                device.Write(block, _block);
            }
            else
            {
                device.Write(block, buffer.AsMemory(offset + done, length));
            }

            Position += length;
            done += length;
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        CheckRoom(buffer.Length);
        for (var done = 0; done < buffer.Length;)
        {
            var (block, inside, length) = Next(buffer.Length - done);
            if (length < device.BlockBytes)
            {
                await device.ReadAsync(block, _block, cancellationToken).ConfigureAwait(false);
                buffer.Slice(done, length).CopyTo(_block.AsMemory(inside));
                await device.WriteAsync(block, _block, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await device.WriteAsync(block, buffer.Slice(done, length), cancellationToken).ConfigureAwait(false);
            }

            Position += length;
            done += length;
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush() => device.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => device.FlushAsync(cancellationToken).AsTask();

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => Position + offset,
        _ => Length + offset,
    };

    public override void SetLength(long value) => throw new NotSupportedException("a namespace has the length that it has");

    /// <summary>What to move next: whole blocks, or a part of one.</summary>
    private (ulong Block, int Inside, int Length) Next(int left)
    {
        var block = (ulong)Position >> device.BlockShift;
        var inside = (int)(Position & (device.BlockBytes - 1));
        var length = inside == 0 && left >= device.BlockBytes ? left & ~(device.BlockBytes - 1)
            : Math.Min(left, device.BlockBytes - inside);
        return (block, inside, length);
    }

    private void CheckRoom(int count)
    {
        if (Position < 0 || count > Length - Position)
            throw new IOException($"{device} ends at byte {Length}, before the end of {count} bytes at {Position}");
    }
}
