using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Linux.AddressSpaces;
using Aperture.Linux.Native;
using Aperture.Linux.Vfio.Abi;

namespace Aperture.Linux.Vfio;

// What can be mapped, maps and unmaps.
internal sealed unsafe partial class VfioGroup
{
    /// <summary>The last page of all is left out: while it is mapped, type1 misses other mappings at an unmap (seen on Linux 6.1 with AMD's IOMMU).</summary>
    private static readonly Iova Highest = new(ulong.MaxValue - 4096);

    /// <inheritdoc/>
    public ulong PageSizes { get; private set; }

    /// <inheritdoc/>
    public ImmutableArray<IovaRange> Ranges { get; private set; } = [];

    /// <inheritdoc/>
    public uint? AvailableMappings
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
    public Status Map(Iova iova, ulong address, ulong size, Protection protection)
    {
        if (_isNoIommu)
            return Status.NoDevice;
        var map = new VfioDmaMap
        {
            ArgumentSize = (uint)sizeof(VfioDmaMap),
            Flags = ((protection & Protection.Read) != 0 ? VfioMapFlags.Read : 0) | ((protection & Protection.Write) != 0 ? VfioMapFlags.Write : 0),
            Address = address,
            Iova = iova.Value,
            Size = size,
        };
        return Libc.Ioctl(_container, VfioIoctl.IommuMap, &map) == 0 ? Status.Ok : ErrnoExtensions.Last.ToStatus();
    }

    /// <inheritdoc/>
    public Status Unmap(Iova iova, ulong size) => Unmap(iova, size, VfioUnmapFlags.None);

    /// <inheritdoc/>
    public Status UnmapAll() => Unmap(default, 0, VfioUnmapFlags.All);

    private void ReadInfo()
    {
        if (_isNoIommu)
        {
            PageSizes = (ulong)Environment.SystemPageSize;
            Ranges = [new IovaRange(default, Highest)];
            return;
        }

        var answer = Info(out var info);
        PageSizes = (info.Flags & VfioIommuFlags.PageSizes) != 0 ? info.PageSizes : (ulong)Environment.SystemPageSize;
        var capability = CapabilityChain.Find(answer, info.CapabilityOffset, 1);
        if (capability.IsEmpty)
        {
            // Kernels before 5.4 do not say: then nothing is known to be reserved.
            Ranges = [new IovaRange(default, Highest)];
            return;
        }

        var ranges = CapabilityChain.Entries<VfioIovaRange>(capability, sizeof(VfioRangesCapability), MemoryMarshal.Read<VfioRangesCapability>(capability).Count);
        Ranges = [.. ranges.ToArray().Where(range => range.Start <= Highest.Value).Select(range => new IovaRange(new Iova(range.Start), new Iova(Math.Min(range.End, Highest.Value))))];
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
