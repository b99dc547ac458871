using System.Numerics;
using Aperture.Core;
using Aperture.DeviceTrees;
using Aperture.Diagnostics;
using Aperture.Dma.Bounce;
using Aperture.Dma.Operations;

namespace Aperture.Dma;

// What addresses and lengths the device can handle.
public sealed partial class DmaContext
{
    /// <summary>Bytes of a cache line where caches are not modelled: those of most cores.</summary>
    internal const int LineOfBoards = 64;

    private const uint DefaultSegmentSize = 65536; // what is assumed of devices that say nothing

    private DmaRange[]? _ranges; // the windows of the buses in front of the device; null when all addresses pass unchanged

    /// <summary>The highest device address that the device can put on its bus, for streaming mappings. 32 bits unless the
    /// driver or the description says otherwise.</summary>
    public Iova Mask { get; private set; } = new(uint.MaxValue);

    /// <summary>The same for coherent allocations.</summary>
    public Iova CoherentMask { get; private set; } = new(uint.MaxValue);

    /// <summary>The highest device address that the bus in front of the device lets through; all ones when it is as wide as any.</summary>
    public Iova BusLimit
    {
        get;
        internal set
        {
            field = value;
            UpdateLimits();
        }
    } = new(ulong.MaxValue);

    /// <summary>The longest segment of a scatterlist that pieces are joined to, in bytes. A longer piece passes as it is.</summary>
    public uint MaxSegmentSize { get; private set; } = DefaultSegmentSize;

    /// <summary>Segments that are made of several pieces, and bounce buffers, do not cross multiples of this plus one.</summary>
    public ulong SegmentBoundary { get; private set; } = ulong.MaxValue;

    /// <summary>The low bits of an address that a mapping must keep, as a mask.</summary>
    public ulong MinAlignMask { get; private set; }

    /// <summary>The largest single mapping, in bytes.</summary>
    public ulong MaxMappingSize => Operations.MaxMappingSize(this);

    /// <summary>The largest mapping that is served fast, in bytes.</summary>
    public ulong OptimalMappingSize => Operations.OptimalMappingSize(this);

    /// <summary>One less than the size at whose multiples pieces of a scatterlist are joined although they lie apart; 0 when they are
    /// not.</summary>
    public ulong MergeBoundary => Operations.MergeBoundary;

    /// <summary>Bytes of a cache line: mappings of a device that does not snoop should not share one with anything. 1 where that does not
    /// matter. While a sanitizer listens it matters to every device that does not snoop, as on a board.</summary>
    public int CacheAlignment => _cached ? Memory.CacheAlignment : _observer is not null && !Snoops ? LineOfBoards : 1;

    /// <summary>The mask of ones with which the device could reach all memory.</summary>
    public Iova RequiredMask
    {
        get
        {
            if (!Operations.IsDirect)
                return new Iova(uint.MaxValue);
            var top = Memory.HighestAddress;
            var address = TryToDevice(top, 1, new Iova(ulong.MaxValue), out var moved) ? moved.Value : _ranges is null ? top.Value
                : HighestOfRanges();
            return new Iova(address == 0 ? 0 : ulong.MaxValue >> BitOperations.LeadingZeroCount(address));
        }
    }

    /// <summary>Whether there is memory that the device cannot reach by itself.</summary>
    public bool IsAddressingLimited => Operations.IsDirect && !CanReachAll(Platform);

    /// <summary>The highest device address for streaming mappings, after the bus.</summary>
    internal Iova Limit { get; private set; }

    /// <summary>The highest device address for coherent memory, after the bus.</summary>
    internal Iova CoherentLimit => CoherentMask < BusLimit ? CoherentMask : BusLimit;

    /// <summary>Whether device addresses below 4 GiB ran out for the device, so that it takes higher ones from now on.</summary>
    internal bool IsAboveLow { get; private set; }

    /// <summary>From now on the device takes addresses above 4 GiB.</summary>
    internal void LeaveLow(Iova limit)
    {
        IsAboveLow = true;
        DmaEventSource.Log.HighAddresses(_device.Name, 64 - BitOperations.LeadingZeroCount(limit.Value));
    }

    /// <summary>Says how many address bits the device has, for streaming mappings and coherent allocations.</summary>
    /// <param name="bits">1 to 64. 32 and more are always accepted.</param>
    /// <exception cref="ApertureException"><see cref="Status.IoError"/>: the device does no DMA; less than a page; or no IOMMU stands in
    /// front, and with so few bits the device cannot name
    /// <see cref="DmaPlatform.ZoneLimit"/>. The masks stay as they were.</exception>
    public void SetMask(int bits)
    {
        SetStreamingMask(bits);
        SetCoherentMask(bits);
    }

    /// <summary>Says how many address bits the device has for streaming mappings.</summary>
    /// <inheritdoc cref="SetMask"/>
    public void SetStreamingMask(int bits)
    {
        Mask = MaskOf(bits);
        UpdateLimits();
        if (_operations is not null)
            Choose();
    }

    /// <summary>Says how many address bits the device has for coherent memory.</summary>
    /// <inheritdoc cref="SetMask"/>
    public void SetCoherentMask(int bits) => CoherentMask = MaskOf(bits);

    /// <summary>Says how long a segment the device can take.</summary>
    /// <param name="bytes">At least 1; 0 for the default of 64 KiB.</param>
    public void SetMaxSegmentSize(uint bytes) => MaxSegmentSize = bytes == 0 ? DefaultSegmentSize : bytes;

    /// <summary>Says what a segment must not cross.</summary>
    /// <param name="mask">One less than a power of two of at least a page, 4096 bytes; all ones for nothing.</param>
    public void SetSegmentBoundary(ulong mask)
    {
        if (mask < 4095 || (mask & (mask + 1)) != 0)
            throw new ArgumentOutOfRangeException(nameof(mask), mask, "not one less than a power of two of at least 4096");
        SegmentBoundary = mask;
    }

    /// <summary>Says which low address bits must not change when memory is mapped.</summary>
    /// <param name="mask">One less than a power of two of at most 256 KiB.</param>
    public void SetMinAlignMask(ulong mask)
    {
        if (mask >= BouncePool.MaxMapping || (mask & (mask + 1)) != 0)
            throw new ArgumentOutOfRangeException(nameof(mask), mask, "not one less than a power of two of at most 256 KiB");
        MinAlignMask = mask;
    }

    /// <summary>The device address of memory, through the windows of the buses.</summary>
    /// <returns>False when the device cannot name it within the limit.</returns>
    internal bool TryToDevice(PhysicalAddress physical, ulong bytes, Iova limit, out Iova address)
    {
        if (_ranges is { } ranges)
            return TryMove(ranges, physical, bytes, limit, out address);
        address = new Iova(physical.Value);
        return physical.Value <= limit.Value && bytes - 1 <= limit.Value - physical.Value;
    }

    /// <summary>The memory of a device address, through the windows of the buses.</summary>
    internal bool TryToPhysical(Iova address, ulong bytes, out PhysicalAddress physical)
    {
        physical = new PhysicalAddress(address.Value);
        if (_ranges is not { } ranges)
            return true;
        foreach (var range in ranges)
        {
            var offset = address.Value - range.Dma;
            if (offset >= range.Length || bytes > range.Length - offset)
                continue;
            physical = range.Cpu + offset;
            return true;
        }

        return false;
    }

    /// <summary>Whether the device can name every byte of the machine's memory.</summary>
    internal bool CanReachAll(DmaPlatform platform)
    {
        var top = platform.Memory.HighestAddress;
        if (_ranges is null)
            return top.Value <= Limit.Value;
        var bottom = platform.Memory.LowestAddress;
        return TryToDevice(bottom, top - bottom + 1, Limit, out _);
    }

    /// <summary>The highest physical address that the device can name.</summary>
    internal PhysicalAddress HighestPhysical(Iova limit)
    {
        if (_ranges is not { } ranges)
            return new PhysicalAddress(limit.Value);
        var highest = default(PhysicalAddress);
        foreach (var range in ranges)
        {
            if (range.Dma > limit.Value)
                continue;
            var last = range.Cpu + Math.Min(range.Length - 1, limit.Value - range.Dma);
            highest = last > highest ? last : highest;
        }

        return highest;
    }

    private static bool TryMove(DmaRange[] ranges, PhysicalAddress physical, ulong bytes, Iova limit, out Iova address)
    {
        foreach (var range in ranges)
        {
            var offset = physical.Value - range.Cpu.Value;
            if (offset >= range.Length || bytes > range.Length - offset)
                continue;
            address = new Iova(range.Dma + offset);
            return address.Value <= limit.Value && bytes - 1 <= limit.Value - address.Value;
        }

        address = default;
        return false;
    }

    private Iova MaskOf(int bits)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 64);
        if (_operations is NoOperations)
            throw new ApertureException(Status.IoError, $"{_device.Name} has no address bits: by its description it does no DMA");
        var mask = new Iova(ulong.MaxValue >> (64 - bits));
        if (mask.Value < 0xFFF)
            throw new ApertureException(Status.IoError, $"{_device.Name} cannot do DMA with {bits} address bits: that is less than a page");
        if (bits < 32 && _operations is { IsDirect: true } && !CanName(Platform.ZoneLimit, mask))
            throw new ApertureException(Status.IoError,
                $"{_device.Name} cannot do DMA with {bits} address bits: it has to name memory up to {Platform.ZoneLimit}");
        return mask;
    }

    /// <summary>Whether a mask reaches up to a physical address, as far as there is memory.</summary>
    private bool CanName(PhysicalAddress physical, Iova mask)
    {
        var top = Memory.HighestAddress;
        return TryToDevice(top < physical ? top : physical, 1, mask, out _);
    }

    private void UpdateLimits()
    {
        Limit = Mask < BusLimit ? Mask : BusLimit;
        var description = _device.Description;
        if (description.DmaRanges.IsEmpty)
            _ranges = null;
        else if (description.Identity.Units.Count == 0)
            _ranges = [.. description.DmaRanges];
        else // a unit sees the device's own addresses: the windows only say which of them get there
            _ranges = [.. description.DmaRanges.Select(window => window with { Cpu = new PhysicalAddress(window.Dma) })];
    }

    private ulong HighestOfRanges()
    {
        ulong highest = 0;
        foreach (var range in _ranges!)
            highest = Math.Max(highest, range.Dma + (range.Length - 1));
        return highest;
    }

    private void ForgetLimits()
    {
        Mask = new Iova(uint.MaxValue);
        CoherentMask = new Iova(uint.MaxValue);
        BusLimit = new Iova(ulong.MaxValue);
        MaxSegmentSize = DefaultSegmentSize;
        SegmentBoundary = ulong.MaxValue;
        MinAlignMask = 0;
        IsAboveLow = false;
    }
}
