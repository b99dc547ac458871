using System.Numerics;
using Aperture.Core;
using Aperture.Dma.Memory;
using Aperture.Dma.Meters;
using Aperture.Dma.Operations;
using Aperture.Iommu;

namespace Aperture.Dma;

// What is said of a call that was refused: the device, the size, the limit and whose it is, why the path is what it is, and who holds
// what is exhausted.
public sealed partial class DmaContext
{
    /// <summary>What <see cref="Map"/> would have said of a map that failed: for those who call
    /// <see cref="TryMap(MemoryBlock, DmaDirection, out DmaMapping, DmaAttributes, string, int)"/>.</summary>
    /// <param name="status">What that returned.</param>
    /// <param name="memory">The memory.</param>
    /// <param name="direction">Which way the bytes were to go.</param>
    /// <param name="attributes">What was wished for.</param>
    public string Explain(Status status, MemoryBlock memory, DmaDirection direction, DmaAttributes attributes = DmaAttributes.None) =>
        Describe(new Refusal("map", (ulong)memory.Length, status, attributes) { Direction = direction, Memory = memory.Address });

    /// <summary>A refusal that nobody has counted yet.</summary>
    private ApertureException Fail(in Refusal refusal)
    {
        DmaMeter.Failed(this, refusal.Bytes, refusal.Status, refusal.Attributes);
        return Failure(refusal);
    }

    private ApertureException Failure(in Refusal refusal) => new(refusal.Status, Describe(refusal));

    private string Describe(in Refusal refusal)
    {
        var of = refusal.Memory is { } memory ? $" at {memory}" : "";
        var at = refusal.At is { } address ? $"{(of.Length > 0 ? " to device address" : " at")} {address}" : "";
        var reason = Reason(refusal);
        if (_domain?.Explain(refusal.Status) is { } explanation)
            reason += $"; {explanation}";
        return $"{_device.Name} could not {refusal.Verb} 0x{refusal.Bytes:x} bytes{of}{at} for DMA "
            + $"({Path}: {WhyPath()}; addresses up to {LimitOf(refusal, out var whose)}, {whose}): {refusal.Status}{reason}";
    }

    private string WhyPath()
    {
        var description = _device.Description;
        var master = _device.Iommu;
        return _operations switch
        {
            NoOperations => "its description says that it does no DMA",
            { IsDirect: false, Bounce: null } => "it is behind an IOMMU",
            { IsDirect: false } when description.IsUntrusted =>
                "it is behind an IOMMU and untrusted, so that it gets no page with bytes of others",
            { IsDirect: false } => "it is behind an IOMMU, and the memory of this machine is private",
            { Bounce: not null } when description.BouncePool is not null => "it has a restricted pool",
            { Bounce: not null } when _platform!.ForceBounce => "every mapping of a device without an IOMMU is made to bounce here",
            { Bounce: not null } when Memory.IsConfidential => "the memory of this machine is private",
            { Bounce: not null } => $"it reaches memory up to {HighestPhysical(Limit)}, and there is some up to {Memory.HighestAddress}",
            _ when master?.Domain is { Type: DomainType.Identity } => "its IOMMU passes all addresses unchanged, and it reaches all memory",
            _ => "no IOMMU is in front of it, and it reaches all memory",
        };
    }

    /// <summary>The highest device address that a call could have got, and whose limit that is.</summary>
    private Iova LimitOf(in Refusal refusal, out string whose)
    {
        var mask = refusal.IsCoherent ? CoherentMask : Mask;
        var limit = mask < BusLimit ? mask : BusLimit;
        whose = mask < BusLimit ? refusal.IsCoherent ? "its mask for coherent memory" : "its mask" : "the limit of its bus";
        if (_operations is { IsDirect: false } && _domain is { } domain && domain.ApertureEnd < limit)
            (limit, whose) = (domain.ApertureEnd, "the last that its IOMMU translates");
        return limit;
    }

    private string Reason(in Refusal refusal) => refusal.Status switch
    {
        Status.InvalidArgument => WhyInvalid(refusal),
        Status.NotSupported => WhyNotSupported(refusal),
        Status.OutOfRange => WhyOutOfRange(refusal),
        Status.NoSpace => WhyNoSpace(refusal),
        Status.NoMemory => WhyNoMemory(refusal),
        Status.NotPermitted => $" of {DmaAttributes.CcShared}; the memory is private: share it first (SystemMemory.Share)",
        Status.Busy => $"; its group is in a domain of type {_device.Iommu?.Domain?.Type} that is not for the DMA API",
        Status.AlreadyExists when refusal.At is { } at => WhyTaken(at, refusal.Bytes),
        Status.BadAddress => "; it is no memory whose caches could be maintained, and the device does not snoop: registers are mapped with "
            + "MapResource",
        _ => "",
    };

    private string WhyInvalid(in Refusal refusal)
    {
        if (refusal.Bytes == 0)
            return "; there are no bytes";
        if ((uint)refusal.Direction > (uint)DmaDirection.FromDevice)
            return $"; {(int)refusal.Direction} is no direction";
        if (refusal.Source is null && _operations?.Bounce is not null && refusal.Bytes > MaxMappingSize)
            return $"; a bounce buffer has at most {MaxMappingSize} bytes (MaxMappingSize): map it in smaller parts";
        if (refusal.At is not null)
            return $"; a device address has the same place in a page of 0x{Operations.Granule:x} bytes as the memory, and keeps the bits "
                + $"0x{MinAlignMask:x}";
        return refusal.Memory is { } memory && Memory.OwnsAny(memory, refusal.Bytes)
            ? "; it is driver memory, which Map and MapFrames are for" : "";
    }

    private string WhyNotSupported(in Refusal refusal)
    {
        if (_operations is not { } operations)
            return "";
        var wishes = refusal.Verb == "allocate" ? refusal.Attributes : refusal.Attributes & ~operations.MapAttributes;
        if (wishes != DmaAttributes.None)
            return $" of {wishes}{WhyWish(wishes)}";
        if (refusal.Memory is { } at && PeerOf(at, refusal.Bytes) is { } peer)
            return WhyNoPeer(peer);
        if ((refusal.Attributes & DmaAttributes.RequireCoherent) != 0)
            return $" of {DmaAttributes.RequireCoherent}; "
                + (_cached ? "the device does not snoop the CPU's caches" : "it needs a bounce buffer, which has to be synced");
        if (operations.IsDirect && refusal is { At: { } chosen, Memory: { } place }
            && !(TryToDevice(place, refusal.Bytes, new Iova(ulong.MaxValue), out var own) && own == chosen))
            return "; without an IOMMU nobody can choose the device address";
        if (operations.Bounce is not null)
            return "; it needs a bounce buffer, which raw page frames and addresses of the driver's choice cannot have";
        return operations.IsDirect ? "; without an IOMMU nobody can choose the device address"
            : $"; address bits 0x{MinAlignMask:x} cannot be kept by pages of 0x{operations.Granule:x} bytes";
    }

    private static string WhyWish(DmaAttributes wishes) => wishes switch
    {
        DmaAttributes.WeakOrdering => "; no path here can make use of it",
        DmaAttributes.Privileged => "; only an IOMMU can tell privileged accesses from others",
        DmaAttributes.Mmio => "; blocks of memory are no registers: MapFrames and MapResource take those",
        DmaAttributes.SkipCpuSync => "; memory that needs no sync has none to skip",
        _ => "",
    };

    private string WhyOutOfRange(in Refusal refusal)
    {
        if (_operations is { IsDirect: false })
            return refusal.At is null ? "" : "; the device, its bus or its IOMMU does not get there";
        var windows = string.Join(", ", (_ranges ?? []).Select(range => $"{range.Cpu} to {range.Cpu + (range.Length - 1)}"));
        var reach = _ranges is null ? $"it reaches up to {HighestPhysical(Limit)}" : $"the buses in front of it pass {windows}";
        return _operations?.Bounce is null ? $"; {reach}" : $"; {reach}, and no memory for bounce buffers is left there: "
            + Memory.Describe(HighestPhysical(Limit));
    }

    private string WhyNoSpace(in Refusal refusal)
    {
        var why = "";
        if (_operations?.Bounce is { } pool)
            why = $"; {pool.UsedSlots} bounce slots of 0x{pool.TotalBytes:x} bytes are taken by {pool.DescribeOwners()}; "
                + pool.DescribeGrowth();
        if (_domain?.Space is not { } space)
            return why;
        var room = space.Measure(LimitOf(refusal, out _));
        why += $"; 0x{room.Used:x} bytes of device addresses are in use or reserved and 0x{room.Free:x} are free, the largest hole "
            + $"0x{room.LargestHole:x}";
        if (room.Free >= refusal.Bytes)
            why += $": they are fragmented, and 0x{refusal.Bytes:x} bytes begin at a multiple of "
                + $"0x{BitOperations.RoundUpToPowerOf2(refusal.Bytes):x}";
        if (_domain.IsQuarantining)
            why += "; what was unmapped since an IOMMU failed waits until that was programmed afresh";
        return $"{why}; {_observer?.DescribeHolders(this) ?? "a sanitizer would say who holds them"}";
    }

    private string WhyNoMemory(in Refusal refusal)
    {
        if (refusal.Source is not { } source)
            return refusal.Verb == "allocate" ? "" : $"; no page is left for the IOMMU's tables, {Memory.Describe(new(ulong.MaxValue))}";
        var advice = _operations is { IsDirect: true } ? "; without an IOMMU it has to be one piece"
            : (refusal.Attributes & DmaAttributes.ForceContiguous) != 0 ? "; without ForceContiguous it could be gathered from pieces" : "";
        return $"; {source.Describe(refusal.Highest)}{advice}";
    }

    /// <summary>What is kept of a range that is not free: by the tree, the unit or the allocator; else it is mapped.</summary>
    private string WhyTaken(Iova start, ulong bytes)
    {
        var last = start.Value + (bytes - 1);
        foreach (var (first, end) in _device.Iommu?.Group.Domain?.ReservedRanges ?? [])
        {
            if (first.Value <= last && end.Value >= start.Value)
                return $"; {first} to {end} is reserved for this device";
        }

        return _observer?.DescribeHolder(this, start, bytes) is { } holder ? $"; it is mapped already: {holder}"
            : "; it is mapped already, or never given out";
    }
}
