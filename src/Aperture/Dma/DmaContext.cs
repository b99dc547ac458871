using Aperture.Core;
using Aperture.Devices;
using Aperture.Diagnostics;
using Aperture.Iommu;

namespace Aperture.Dma;

/// <summary>The DMA API of one device: allocate, map, unmap. Whether an IOMMU or nothing stands between the device and memory
/// was decided when the device was attached; the calls are the same.</summary>
/// <remarks>Thread-safe. Nothing here allocates on the managed heap in the steady state.</remarks>
public sealed class DmaContext
{
    private readonly Device _device;
    private DmaOperations? _operations; // null while nothing was chosen: the device can do no DMA
    private SystemMemory? _memory;      // where driver memory comes from; null as above
    private DmaTrace? _trace;           // null when nobody listens

    internal DmaContext(Device device) => _device = device;

    /// <summary>The highest device address that the device can put on its bus, for streaming mappings. 32 bits unless the
    /// driver or the description says otherwise.</summary>
    public Iova Mask { get; private set; } = new(uint.MaxValue);

    /// <summary>The same for coherent allocations.</summary>
    public Iova CoherentMask { get; private set; } = new(uint.MaxValue);

    /// <summary>The highest device address that the bus in front of the device lets through; all ones when it is as wide as any.</summary>
    public Iova BusLimit { get; internal set; } = new(ulong.MaxValue);

    /// <summary>Where the driver gets memory for streaming mappings.</summary>
    /// <exception cref="ApertureException">The device was not attached: it can do no DMA.</exception>
    public SystemMemory Memory => _memory ?? throw NotAttached();

    /// <summary>What stands between the device and memory: <c>none</c>, <c>direct</c> or <c>iommu</c>.</summary>
    public string Path => _operations?.Name ?? "none";

    /// <summary>The highest device address for streaming mappings, after the bus.</summary>
    internal Iova Limit => Mask < BusLimit ? Mask : BusLimit;

    /// <summary>The highest device address for coherent memory, after the bus.</summary>
    internal Iova CoherentLimit => CoherentMask < BusLimit ? CoherentMask : BusLimit;

    /// <summary>Says how many address bits the device has, for streaming mappings and coherent allocations.</summary>
    /// <param name="bits">1 to 64.</param>
    /// <exception cref="ApertureException"><see cref="Status.IoError"/>: no memory can be reached with so few bits.</exception>
    public void SetMask(int bits)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 64);
        var mask = new Iova(ulong.MaxValue >> (64 - bits));
        if (mask.Value < 0xFFF)
            throw new ApertureException(Status.IoError, $"{_device.Name} cannot do DMA with {bits} address bits: that is less than a page");
        Mask = mask;
        CoherentMask = mask;
    }

    /// <summary>Allocates zeroed memory that the CPU and the device see alike.</summary>
    /// <param name="bytes">At least 1.</param>
    /// <param name="attributes">Wishes.</param>
    /// <exception cref="ApertureException"><see cref="Status.NoMemory"/> or <see cref="Status.NoSpace"/>, naming the size and the device.</exception>
    public CoherentBuffer Allocate(int bytes, DmaAttributes attributes = DmaAttributes.None)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        var status = Operations.Allocate(this, bytes, attributes, out var memory, out var address, out var mapped);
        if (status != Status.Ok)
            throw Failure("allocate", (ulong)bytes, status);
        _trace?.DmaAllocate(_device.Name, address, (ulong)bytes, memory.Address, attributes);
        return new CoherentBuffer(this, memory, address, mapped, attributes);
    }

    /// <summary>Hands contiguous memory to the device.</summary>
    /// <param name="memory">At least one byte.</param>
    /// <param name="direction">Which way the bytes go.</param>
    /// <param name="attributes">Wishes.</param>
    /// <exception cref="ApertureException">The device cannot reach the memory or no device address is left.</exception>
    public DmaMapping Map(MemoryBlock memory, DmaDirection direction, DmaAttributes attributes = DmaAttributes.None)
    {
        var status = TryMap(memory, direction, out var mapping, attributes);
        return status == Status.Ok ? mapping : throw Failure("map", (ulong)memory.Length, status);
    }

    /// <summary>Hands contiguous memory to the device; failure is a result.</summary>
    public Status TryMap(MemoryBlock memory, DmaDirection direction, out DmaMapping mapping, DmaAttributes attributes = DmaAttributes.None)
    {
        if (memory.Length == 0 || (uint)direction > (uint)DmaDirection.FromDevice)
        {
            mapping = default;
            return Status.InvalidArgument;
        }

        var bytes = (ulong)memory.Length;
        var status = Operations.Map(this, memory.Address, bytes, direction, attributes, out var address);
        mapping = status == Status.Ok ? new DmaMapping(this, address, memory.Address, bytes, direction, attributes) : default;
        _trace?.DmaMap(_device.Name, direction, status == Status.Ok ? address : new Iova(ulong.MaxValue), bytes, memory.Address, attributes);
        return status;
    }

    /// <summary>Hands several pieces of memory to the device. Behind an IOMMU pieces that meet at page borders become one
    /// contiguous range.</summary>
    /// <param name="memory">The pieces; the span must stay as it is until the mapping ends.</param>
    /// <param name="segments">Where the device's segments go: at least as many places as pieces.</param>
    /// <param name="direction">Which way the bytes go.</param>
    /// <param name="attributes">Wishes.</param>
    /// <exception cref="ApertureException">As for <see cref="Map"/>; nothing is mapped then.</exception>
    public ScatterMapping MapScatter(ReadOnlySpan<MemoryBlock> memory, Span<DmaSegment> segments, DmaDirection direction, DmaAttributes attributes = DmaAttributes.None)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(segments.Length, memory.Length);
        ulong total = 0;
        foreach (var block in memory)
            total += (ulong)block.Length;
        if (total == 0 || (uint)direction > (uint)DmaDirection.FromDevice)
            throw Failure("map", total, Status.InvalidArgument);
        var status = Operations.MapScatter(this, memory, segments, direction, attributes, out var count);
        if (status != Status.Ok)
        {
            _trace?.DmaMapScatterFailed(_device.Name, direction, memory, status, attributes);
            throw Failure("map", total, status);
        }

        _trace?.DmaMapScatter(_device.Name, direction, segments[..count], memory, attributes);
        return new ScatterMapping(this, memory, segments[..count], direction, attributes);
    }

    /// <summary>Makes the calls here work through a domain that the driver brought itself, from which the DMA API then takes device addresses.
    /// Several devices may use one domain: what one maps has the same device address for all.</summary>
    /// <param name="domain">The paging domain that is in force for the device's group. The driver keeps out of the device addresses that it maps itself.</param>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: no driver is being bound; <see cref="Status.NotSupported"/>: the domain holds no mappings;
    /// <see cref="Status.InvalidArgument"/>: another domain is in force.</exception>
    public void UseDomain(IommuDomain domain)
    {
        ArgumentNullException.ThrowIfNull(domain);
        var memory = Memory;
        if (!domain.IsPaging)
            throw new ApertureException(Status.NotSupported, $"{_device.Name} cannot do DMA through a domain of type {domain.Type}");
        if (_device.Iommu?.Domain != domain)
            throw new ApertureException(Status.InvalidArgument, $"{_device.Name} cannot do DMA through a domain that it is not in");
        _operations = DmaAttach.Through(domain, memory);
    }

    /// <summary>Chooses how the device reaches memory.</summary>
    internal void Attach(DmaOperations operations, SystemMemory memory, DmaTrace? trace)
    {
        _operations = operations;
        _memory = memory;
        _trace = trace;
    }

    /// <summary>Gives the device memory but no way to it: its driver brings its own domain.</summary>
    internal void Offer(SystemMemory memory, DmaTrace? trace)
    {
        _memory = memory;
        _trace = trace;
    }

    /// <summary>Takes the choice back: the device can do no DMA. What a driver said of masks is forgotten.</summary>
    internal void Detach()
    {
        _operations = null;
        _memory = null;
        _trace = null;
        Mask = new Iova(uint.MaxValue);
        CoherentMask = new Iova(uint.MaxValue);
        BusLimit = new Iova(ulong.MaxValue);
    }

    internal void Free(in CoherentBuffer buffer)
    {
        _trace?.DmaFree(_device.Name, buffer.Address, (ulong)buffer.Length, buffer.Memory.Address, buffer.Attributes);
        Operations.Free(this, buffer.Memory, buffer.Address, buffer.Mapped);
    }

    internal void Unmap(in DmaMapping mapping)
    {
        Operations.Unmap(this, mapping.Address, mapping.Length, mapping.Direction);
        _trace?.DmaUnmap(_device.Name, mapping.Direction, mapping.Address, mapping.Length, mapping.Attributes);
    }

    internal void UnmapScatter(ReadOnlySpan<MemoryBlock> memory, ReadOnlySpan<DmaSegment> segments, DmaDirection direction, DmaAttributes attributes)
    {
        _trace?.DmaUnmapScatter(_device.Name, direction, memory, attributes);
        Operations.UnmapScatter(this, memory, segments, direction);
    }

    private DmaOperations Operations => _operations ?? throw NotAttached();

    private ApertureException NotAttached() => new(Status.NoDevice, $"{_device.Name} is not attached to any memory: it can do no DMA while no driver is bound");

    private ApertureException Failure(string verb, ulong bytes, Status status) =>
        new(status, $"{_device.Name} could not {verb} 0x{bytes:x} bytes for DMA ({Path}, addresses up to {Limit}): {status}");
}
