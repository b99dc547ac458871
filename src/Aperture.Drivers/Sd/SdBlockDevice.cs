using Aperture.Core;
using Aperture.Datasheets.Sd;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Memory;

namespace Aperture.Drivers.Sd;

/// <summary>A standard SD host controller with the card in its slot: reads and writes blocks. It is held active only during a
/// request.</summary>
/// <remarks>One request at a time. A request allocates nothing.</remarks>
public sealed partial class SdBlockDevice : IBoundDriver
{
    /// <summary>Bytes of a block.</summary>
    public const int BlockBytes = SdCardFacts.BlockBytes;

    private readonly Device _device;
    private readonly RegisterRegion _registers;
    private readonly DeviceGates _gates;
    private readonly TimeProvider? _time; // passes while the controller works; null: it works at once
    private bool _isWorking; // registers can be touched

    internal SdBlockDevice(Device device, TimeProvider? time)
    {
        _time = time;
        _device = device;
        _registers = device.Registers[0];
        _gates = new DeviceGates(device);
    }

    /// <summary>The device.</summary>
    public Device Device => _device;

    /// <summary>Number of blocks.</summary>
    public long Blocks { get; private set; }

    /// <summary>Commands with data that ended well.</summary>
    public ulong Transfers { get; private set; }

    /// <summary>How the last request failed, in one line; null when it went well.</summary>
    public string? Failure { get; private set; }

    /// <summary>The most bytes of one command: what can be mapped at once, and at most 512 KiB.</summary>
    public int MaxTransfer => (int)Math.Min((ulong)MaxTransferBytes, _device.Dma.MaxMappingSize) / BlockBytes * BlockBytes;

    /// <summary>Allocates a buffer that stays mapped: from the device's contiguous area where it has one, or the machine's. The CPU has it
    /// except during requests.</summary>
    /// <param name="blocks">Blocks that fit into it; at least 1, and at most <see cref="MaxTransfer"/>.</param>
    /// <exception cref="ApertureException">As for <see cref="DmaContext.AllocatePages"/>; <see cref="Status.OutOfRange"/>: too
    /// large.</exception>
    public NoncoherentBuffer AllocateBuffer(int blocks)
    {
        if (blocks < 1 || blocks > MaxTransfer / BlockBytes)
            throw new ApertureException(
                Status.OutOfRange, $"{_device.Name} moves 1 to {MaxTransfer / BlockBytes} blocks at once, not {blocks}");
        var buffer = _device.Dma.AllocatePages(blocks * BlockBytes, DmaDirection.Bidirectional);
        buffer.Mapping.SyncForCpu();
        return buffer;
    }

    /// <summary>Reads blocks into a buffer that stays mapped.</summary>
    /// <param name="block">The first one.</param>
    /// <param name="buffer">A buffer of this device.</param>
    /// <param name="count">Blocks, at most as many as fit into it.</param>
    /// <returns><see cref="Status.OutOfRange"/>: not on the card, or not in the buffer; <see cref="Status.IoError"/>: see
    /// <see cref="Failure"/>.</returns>
    public Status Read(long block, in NoncoherentBuffer buffer, int count)
    {
        if (!IsInside(block, count) || count > buffer.Memory.Length / BlockBytes)
            return Status.OutOfRange;
        var bytes = (ulong)count * BlockBytes;
        buffer.Mapping.SyncForDevice(0, bytes);
        var status = Execute(block, [new DmaSegment(buffer.Mapping.Address, bytes)], isRead: true);
        buffer.Mapping.SyncForCpu(0, bytes);
        return status;
    }

    /// <summary>Writes blocks from a buffer that stays mapped.</summary>
    /// <inheritdoc cref="Read(long, in NoncoherentBuffer, int)"/>
    public Status Write(long block, in NoncoherentBuffer buffer, int count)
    {
        if (!IsInside(block, count) || count > buffer.Memory.Length / BlockBytes)
            return Status.OutOfRange;
        var bytes = (ulong)count * BlockBytes;
        buffer.Mapping.SyncForDevice(0, bytes);
        var status = Execute(block, [new DmaSegment(buffer.Mapping.Address, bytes)], isRead: false);
        buffer.Mapping.SyncForCpu(0, bytes);
        return status;
    }

    /// <summary>Reads blocks into pieces of memory, as if they were one.</summary>
    /// <param name="block">The first one.</param>
    /// <param name="pieces">Up to 64 pieces of driver memory that start at multiples of 4; together whole blocks, at most
    /// <see cref="MaxTransfer"/>.</param>
    /// <returns><see cref="Status.OutOfRange"/>: not on the card; <see cref="Status.InvalidArgument"/>: pieces that are not as above;
    /// <see cref="Status.IoError"/>: see <see cref="Failure"/>; or what mapping failed with.</returns>
    public Status Read(long block, params ReadOnlySpan<MemoryBlock> pieces) => Transfer(block, pieces, isRead: true);

    /// <summary>Writes blocks from pieces of memory, as if they were one.</summary>
    /// <inheritdoc cref="Read(long, ReadOnlySpan{MemoryBlock})"/>
    public Status Write(long block, params ReadOnlySpan<MemoryBlock> pieces) => Transfer(block, pieces, isRead: false);

    /// <inheritdoc/>
    public void Remove()
    {
        _table.Dispose();
        _table = default;
        _gates.Off();
    }

    /// <inheritdoc/>
    public void RuntimeSuspend() => _gates.Off();

    /// <inheritdoc/>
    public void RuntimeResume() => _gates.On();

    private bool IsInside(long block, long count) => block >= 0 && count > 0 && block <= Blocks - count;
}
