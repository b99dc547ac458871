using Aperture.Core;
using Aperture.Datasheets.Nvme;
using Aperture.Dma.Memory;

namespace Aperture.Drivers.Nvme;

/// <summary>A namespace of an NVMe controller: blocks that are read and written.</summary>
/// <remarks>
/// <para>Memory of the DMA API's (<see cref="MemoryBlock"/>) is mapped, and moved by the controller itself, where it starts at a multiple
/// of 4 and, for reads of a controller that does not snoop, is made of whole cache lines. Other memory, and managed memory, is copied
/// through buffers of the driver's own.</para>
/// <para>A request that is longer than <see cref="NvmeClient.MaxTransfer"/> is several commands, in no order. One that fails may have done
/// a part. Memory is the controller's until the request has ended, also when it is cancelled.</para>
/// </remarks>
public sealed partial class NvmeNamespaceDevice
{
    private const uint MostZeroes = 65536;             // blocks of a command: NLB has 16 bits
    private const uint MostDeallocated = 0x8000_0000;  // blocks of a range: 32 bits

    private readonly NvmeClient _client;

    internal NvmeNamespaceDevice(NvmeClient client, uint id, ulong blocks, int blockShift)
    {
        _client = client;
        Id = id;
        Blocks = blocks;
        BlockShift = blockShift;
    }

    /// <summary>The controller.</summary>
    public NvmeClient Client => _client;

    /// <summary>Its number, from 1 on.</summary>
    public uint Id { get; }

    /// <summary>Number of blocks.</summary>
    public ulong Blocks { get; }

    /// <summary>Bytes of a block: 512 to 4096, a power of two.</summary>
    public int BlockBytes => 1 << BlockShift;

    /// <summary>Bytes of all blocks.</summary>
    public ulong Bytes => Blocks << BlockShift;

    internal int BlockShift { get; }

    /// <summary>The blocks as a stream of bytes; it may be opened several times. Writes of parts of blocks read them before.</summary>
    public Stream OpenStream() => new NvmeStream(this);

    /// <summary>Controller and number.</summary>
    public override string ToString() => $"{_client.Device.Name} namespace {Id}";

    private ValueTask Begin(NvmeOpcode opcode, ulong block, ulong count, in MemoryBlock memory, Memory<byte> managed,
        CancellationToken token)
    {
        if (token.IsCancellationRequested)
            return ValueTask.FromCanceled(token);
        var operation = Submit(opcode, block, count, memory, managed, token, out var version);
        return new ValueTask(operation, version);
    }

    /// <summary>Does a request to its end, looking for it.</summary>
    private bool Finish(NvmeOpcode opcode, ulong block, ulong count, in MemoryBlock memory, Memory<byte> managed)
    {
        var operation = Submit(opcode, block, count, memory, managed, default, out var version);
        if (!operation.IsFinished(version))
            _client.Wait(operation, version);
        return operation.GetResult(version);
    }

    private NvmeOperation Submit(NvmeOpcode opcode, ulong block, ulong count, in MemoryBlock memory, Memory<byte> managed,
        CancellationToken token, out short version)
    {
        if (_client.Failure is { } why)
            throw NvmeClient.Gone(why);
        var queue = _client.QueueOfThread();
        var operation = queue.Rent();
        version = operation.Version;
        operation.Namespace = this;
        operation.Opcode = opcode;
        operation.Block = block;
        operation.Count = count;
        operation.Memory = memory;
        operation.Managed = managed;
        operation.IsBounced = operation.HasData && (memory.Length == 0 || !IsMappable(memory, operation.IsRead));
        operation.Most = opcode switch
        {
            NvmeOpcode.Flush => 1,
            NvmeOpcode.WriteZeroes => MostZeroes,
            NvmeOpcode.DatasetManagement => MostDeallocated,
            _ => (uint)((operation.IsBounced ? Math.Min(_client.Options.BounceBytes, _client.MaxTransfer) : _client.MaxTransfer)
                >> BlockShift),
        };
        if (token.CanBeCanceled)
        {
            operation.Token = token;
            operation.Registration = token.UnsafeRegister(static state => ((NvmeOperation)state!).Cancel(), operation);
        }

        queue.Submit(operation);
        return operation;
    }

    private bool IsMappable(in MemoryBlock memory, bool isRead)
    {
        var line = (ulong)(isRead ? _client.Device.Dma.CacheAlignment : 1) - 1;
        return ((memory.Address.Value & 3) | ((memory.Address.Value | (uint)memory.Length) & line)) == 0;
    }

    private ulong CountOf(int bytes, ulong block)
    {
        if (bytes <= 0 || (bytes & (BlockBytes - 1)) != 0)
            throw new ApertureException(
                Status.InvalidArgument, $"{this}: {bytes} bytes are not blocks of {BlockBytes}");
        var count = (ulong)bytes >> BlockShift;
        CheckRange(block, count);
        return count;
    }

    private void CheckRange(ulong block, ulong count)
    {
        if (count == 0 || block > Blocks || count > Blocks - block)
            throw new ApertureException(Status.OutOfRange, $"{this} has {Blocks} blocks, not {count} from {block} on");
    }

    private void Need(bool has, NvmeOpcode opcode)
    {
        if (!has)
            throw new ApertureException(Status.NotSupported, $"{_client.Device.Name} has no command {opcode}");
    }
}
