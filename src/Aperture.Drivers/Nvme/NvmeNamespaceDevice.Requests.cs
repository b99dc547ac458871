using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Datasheets.Nvme;
using Aperture.Dma.Memory;

namespace Aperture.Drivers.Nvme;

// The requests.
public sealed partial class NvmeNamespaceDevice
{
    /// <summary>Reads blocks into memory.</summary>
    /// <param name="block">The first block.</param>
    /// <param name="data">Whole blocks, at least one. They are the controller's until the request has ended.</param>
    /// <param name="token">Cancels it.</param>
    /// <exception cref="ApertureException"><see cref="Status.OutOfRange"/>: there are no such blocks;
    /// <see cref="Status.InvalidArgument"/>: not whole blocks; <see cref="Status.NoDevice"/>: the controller is gone or not used any more;
    /// <see cref="Status.TimedOut"/>: it did not end the command; an <see cref="NvmeException"/>: it ended it with an error;
    /// <see cref="Status.NoSpace"/>, <see cref="Status.NoMemory"/>: the memory could not be mapped.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; blocks may have been moved.</exception>
    public ValueTask ReadAsync(ulong block, MemoryBlock data, CancellationToken token = default)
    {
        return Begin(NvmeOpcode.Read, block, CountOf(data.Length, block), data, default, token);
    }

    /// <inheritdoc cref="ReadAsync(ulong, MemoryBlock, CancellationToken)"/>
    public ValueTask ReadAsync(ulong block, Memory<byte> data, CancellationToken token = default)
    {
        return Begin(NvmeOpcode.Read, block, CountOf(data.Length, block), default, data, token);
    }

    /// <summary>Reads blocks into memory. Looks for the end of the request until it is there.</summary>
    /// <inheritdoc cref="ReadAsync(ulong, MemoryBlock, CancellationToken)"/>
    public void Read(ulong block, MemoryBlock data)
    {
        Finish(NvmeOpcode.Read, block, CountOf(data.Length, block), data, default);
    }

    /// <inheritdoc cref="Read(ulong, MemoryBlock)"/>
    public void Read(ulong block, Memory<byte> data)
    {
        Finish(NvmeOpcode.Read, block, CountOf(data.Length, block), default, data);
    }

    /// <summary>Writes blocks from memory.</summary>
    /// <param name="block">The first block.</param>
    /// <param name="data">Whole blocks, at least one. They are the controller's until the request has ended.</param>
    /// <param name="token">Cancels it.</param>
    /// <exception cref="ApertureException"><see cref="Status.OutOfRange"/>: there are no such blocks;
    /// <see cref="Status.InvalidArgument"/>: not whole blocks; <see cref="Status.NoDevice"/>: the controller is gone or not used any more;
    /// <see cref="Status.TimedOut"/>: it did not end the command; an <see cref="NvmeException"/>: it ended it with an error;
    /// <see cref="Status.NoSpace"/>, <see cref="Status.NoMemory"/>: the memory could not be mapped.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; blocks may have been moved.</exception>
    public ValueTask WriteAsync(ulong block, MemoryBlock data, CancellationToken token = default)
    {
        return Begin(NvmeOpcode.Write, block, CountOf(data.Length, block), data, default, token);
    }

    /// <inheritdoc cref="WriteAsync(ulong, MemoryBlock, CancellationToken)"/>
    public ValueTask WriteAsync(ulong block, ReadOnlyMemory<byte> data, CancellationToken token = default)
    {
        return Begin(NvmeOpcode.Write, block, CountOf(data.Length, block), default, MemoryMarshal.AsMemory(data), token);
    }

    /// <summary>Writes blocks from memory. Looks for the end of the request until it is there.</summary>
    /// <inheritdoc cref="WriteAsync(ulong, MemoryBlock, CancellationToken)"/>
    public void Write(ulong block, MemoryBlock data)
    {
        Finish(NvmeOpcode.Write, block, CountOf(data.Length, block), data, default);
    }

    /// <inheritdoc cref="Write(ulong, MemoryBlock)"/>
    public void Write(ulong block, ReadOnlyMemory<byte> data)
    {
        Finish(NvmeOpcode.Write, block, CountOf(data.Length, block), default, MemoryMarshal.AsMemory(data));
    }

    /// <summary>Compares blocks with memory.</summary>
    /// <param name="block">The first block.</param>
    /// <param name="data">Whole blocks, at least one. They are the controller's until the request has ended.</param>
    /// <param name="token">Cancels it.</param>
    /// <returns>Whether all bytes are the same.</returns>
    /// <exception cref="ApertureException"><see cref="Status.OutOfRange"/>: there are no such blocks;
    /// <see cref="Status.InvalidArgument"/>: not whole blocks; <see cref="Status.NoDevice"/>: the controller is gone or not used any more;
    /// <see cref="Status.TimedOut"/>: it did not end the command; an <see cref="NvmeException"/>: it ended it with an error;
    /// <see cref="Status.NoSpace"/>, <see cref="Status.NoMemory"/>: the memory could not be mapped.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; blocks may have been moved.</exception>
    public ValueTask<bool> CompareAsync(ulong block, MemoryBlock data, CancellationToken token = default)
    {
        Need(_client.Identity.HasCompare, NvmeOpcode.Compare);
        return BeginCompare(block, CountOf(data.Length, block), data, default, token);
    }

    /// <inheritdoc cref="CompareAsync(ulong, MemoryBlock, CancellationToken)"/>
    public ValueTask<bool> CompareAsync(ulong block, ReadOnlyMemory<byte> data, CancellationToken token = default)
    {
        Need(_client.Identity.HasCompare, NvmeOpcode.Compare);
        return BeginCompare(block, CountOf(data.Length, block), default, MemoryMarshal.AsMemory(data), token);
    }

    /// <summary>Compares blocks with memory. Looks for the end of the request until it is there.</summary>
    /// <inheritdoc cref="CompareAsync(ulong, MemoryBlock, CancellationToken)"/>
    public bool Compare(ulong block, MemoryBlock data)
    {
        Need(_client.Identity.HasCompare, NvmeOpcode.Compare);
        return Finish(NvmeOpcode.Compare, block, CountOf(data.Length, block), data, default);
    }

    /// <inheritdoc cref="Compare(ulong, MemoryBlock)"/>
    public bool Compare(ulong block, ReadOnlyMemory<byte> data)
    {
        Need(_client.Identity.HasCompare, NvmeOpcode.Compare);
        return Finish(NvmeOpcode.Compare, block, CountOf(data.Length, block), default, MemoryMarshal.AsMemory(data));
    }

    /// <summary>Makes what was written and has ended lasting. Nothing is asked of a controller without a volatile write cache.</summary>
    /// <param name="token">Cancels it.</param>
    /// <exception cref="ApertureException">As for a write.</exception>
    public ValueTask FlushAsync(CancellationToken token = default) => _client.Identity.HasWriteCache
        ? Begin(NvmeOpcode.Flush, 0, 1, default, default, token) : default;

    /// <summary>Makes what was written and has ended lasting. Nothing is asked of a controller without a volatile write cache.</summary>
    /// <exception cref="ApertureException">As for a write.</exception>
    public void Flush()
    {
        if (_client.Identity.HasWriteCache)
            Finish(NvmeOpcode.Flush, 0, 1, default, default);
    }

    /// <summary>Makes blocks zero.</summary>
    /// <param name="block">The first block.</param>
    /// <param name="count">Blocks, at least 1.</param>
    /// <param name="token">Cancels it.</param>
    /// <exception cref="ApertureException">As for a write; <see cref="Status.NotSupported"/>: the controller cannot.</exception>
    public ValueTask WriteZeroesAsync(ulong block, ulong count, CancellationToken token = default)
    {
        Need(_client.Identity.HasWriteZeroes, NvmeOpcode.WriteZeroes);
        CheckRange(block, count);
        return Begin(NvmeOpcode.WriteZeroes, block, count, default, default, token);
    }

    /// <inheritdoc cref="WriteZeroesAsync"/>
    public void WriteZeroes(ulong block, ulong count)
    {
        Need(_client.Identity.HasWriteZeroes, NvmeOpcode.WriteZeroes);
        CheckRange(block, count);
        Finish(NvmeOpcode.WriteZeroes, block, count, default, default);
    }

    /// <summary>Says that the content of blocks is not needed any more; what they hold then is the controller's choice.</summary>
    /// <param name="block">The first block.</param>
    /// <param name="count">Blocks, at least 1.</param>
    /// <param name="token">Cancels it.</param>
    /// <exception cref="ApertureException">As for a write; <see cref="Status.NotSupported"/>: the controller cannot.</exception>
    public ValueTask DeallocateAsync(ulong block, ulong count, CancellationToken token = default)
    {
        Need(_client.Identity.HasDeallocate, NvmeOpcode.DatasetManagement);
        CheckRange(block, count);
        return Begin(NvmeOpcode.DatasetManagement, block, count, default, default, token);
    }

    /// <inheritdoc cref="DeallocateAsync"/>
    public void Deallocate(ulong block, ulong count)
    {
        Need(_client.Identity.HasDeallocate, NvmeOpcode.DatasetManagement);
        CheckRange(block, count);
        Finish(NvmeOpcode.DatasetManagement, block, count, default, default);
    }

    private ValueTask<bool> BeginCompare(ulong block, ulong count, in MemoryBlock memory, Memory<byte> managed, CancellationToken token)
    {
        if (token.IsCancellationRequested)
            return ValueTask.FromCanceled<bool>(token);
        var operation = Submit(NvmeOpcode.Compare, block, count, memory, managed, token, out var version);
        return new ValueTask<bool>(operation, version);
    }
}
