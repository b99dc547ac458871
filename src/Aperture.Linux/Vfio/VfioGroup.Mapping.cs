using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Core.Addresses;
using Aperture.Linux.Native;
using Aperture.Linux.Vfio.Abi;

namespace Aperture.Linux.Vfio;

// What can be mapped, maps and unmaps.
internal sealed unsafe partial class VfioGroup
{
    /// <summary>The last page of all is left out: while it is mapped, type1 misses other mappings at an unmap (seen on Linux 6.1 with
    /// AMD's IOMMU).</summary>
    private static readonly Iova Highest = new(ulong.MaxValue - 4096);

    private ulong _pageSizes;
    private ImmutableArray<IovaRange> _ranges = [];

    /// <inheritdoc/>
    public override ulong PageSizes => _pageSizes;

    /// <inheritdoc/>
    public override ImmutableArray<IovaRange> Ranges => _ranges;

    /// <inheritdoc/>
    public override uint? AvailableMappings
    {
        get
        {
            if (_isNoIommu)
                return 0;
            var capability = CapabilityChain.Find(Info(out var info), info.CapabilityOffset, 3);
            return capability.IsEmpty ? null : MemoryMarshal.Read<VfioAvailableCapability>(capability).Available;
        }
    }

    /// <inheritdoc/>
    protected override Status MapCore(Iova iova, PhysicalAddress address, ulong size, Protection protection)
    {
        if (_isNoIommu)
            return Status.NoDevice;
        var map = new VfioDmaMap
        {
            ArgumentSize = (uint)sizeof(VfioDmaMap),
            Flags = ((protection & Protection.Read) != 0 ? VfioMapFlags.Read : 0)
                | ((protection & Protection.Write) != 0 ? VfioMapFlags.Write : 0),
            Address = address.Value,
            Iova = iova.Value,
            Size = size,
        };
        return Libc.Ioctl(_container, VfioIoctl.IommuMap, &map) == 0 ? Status.Ok : ErrnoExtensions.Last.ToStatus();
    }

    /// <inheritdoc/>
    protected override Status UnmapCore(Iova iova, ulong size) => Unmap(iova, size, VfioUnmapFlags.None);

    /// <inheritdoc/>
    protected override Status UnmapAllCore() => Unmap(default, 0, VfioUnmapFlags.All);

    private static IovaRange Below(VfioIovaRange range) => new(new Iova(range.Start), new Iova(Math.Min(range.End, Highest.Value)));

    private void ReadInfo()
    {
        if (_isNoIommu)
        {
            _pageSizes = (ulong)Environment.SystemPageSize;
            _ranges = [new IovaRange(default, Highest)];
            return;
        }

        var answer = Info(out var info);
        _pageSizes = (info.Flags & VfioIommuFlags.PageSizes) != 0 ? info.PageSizes : (ulong)Environment.SystemPageSize;
        var capability = CapabilityChain.Find(answer, info.CapabilityOffset, 1);
        if (capability.IsEmpty)
        {
            // Kernels before 5.4 do not say: then nothing is known to be reserved.
            _ranges = [new IovaRange(default, Highest)];
            return;
        }

        var count = MemoryMarshal.Read<VfioRangesCapability>(capability).Count;
        var ranges = CapabilityChain.Entries<VfioIovaRange>(capability, sizeof(VfioRangesCapability), count).ToArray();
        _ranges = [.. ranges.Where(range => range.Start <= Highest.Value).Select(Below)];
        if (_ranges.IsEmpty)
            throw new ApertureException(Status.NotSupported, $"the kernel lists no device address that can be mapped in {Name}");
    }

    private byte[] Info(out VfioIommuInfo info)
    {
        var answer = CapabilityChain.Fetch(_container, VfioIoctl.IommuGetInfo, default(VfioIommuInfo), $"the IOMMU of {Name}");
        info = Unsafe.ReadUnaligned<VfioIommuInfo>(ref answer[0]);
        return answer;
    }

    private Status Unmap(Iova iova, ulong size, VfioUnmapFlags flags)
    {
        if (_isNoIommu)
            return flags == VfioUnmapFlags.All ? Status.Ok : Status.NotFound; // nothing was ever mapped
        var unmap = new VfioDmaUnmap { ArgumentSize = (uint)sizeof(VfioDmaUnmap), Flags = flags, Iova = iova.Value, Size = size };
        if (Libc.Ioctl(_container, VfioIoctl.IommuUnmap, &unmap) < 0)
            return ErrnoExtensions.Last.ToStatus();
        return flags == VfioUnmapFlags.All || unmap.Size == size ? Status.Ok : Status.NotFound;
    }
}
