using System.Collections.Immutable;
using Aperture.Core;
using Aperture.Linux.AddressSpaces;
using Aperture.Linux.Vfio;

namespace Aperture.Linux.Tests.Fakes;

/// <summary>A stand-in for the kernel's type1 of the second version: mappings never overlap and are never cut.</summary>
internal sealed class FakeSpace(string name = "IOMMU group 1") : IHostSpace
{
    public SortedDictionary<ulong, HostMapping> Mappings { get; } = [];

    public int Calls { get; private set; }

    public int MaxMappings { get; set; } = int.MaxValue;

    /// <summary>How the next map fails.</summary>
    public Status FailsNext { get; set; }

    public bool HasIommu { get; init; } = true;

    public bool IsDisposed { get; private set; }

    public string Name => name;

    public ulong PageSizes { get; init; } = 0x4020_1000;

    public ImmutableArray<IovaRange> Ranges { get; init; } = [new(default, new(0xFEDF_FFFF)), new(new(0xFEF0_0000), new(0x7F_FFFF_FFFF))];

    public uint? AvailableMappings => (uint)(MaxMappings - Mappings.Count);

    public Status Map(Iova iova, ulong address, ulong size, Protection protection)
    {
        Calls++;
        if (!HasIommu)
            return Status.NoDevice;
        if (FailsNext != Status.Ok)
        {
            var status = FailsNext;
            FailsNext = Status.Ok;
            return status;
        }

        if (((iova.Value | address | size) & 0xFFF) != 0 || size == 0 || (protection & Protection.ReadWrite) == 0 || !Ranges.Any(range => range.Contains(iova, size)))
            return Status.InvalidArgument;
        if (Mappings.Values.Any(other => other.Start <= iova.Value + (size - 1) && iova.Value <= other.Last))
            return Status.AlreadyExists;
        if (Mappings.Count >= MaxMappings)
            return Status.NoSpace;
        Mappings.Add(iova.Value, new HostMapping(iova.Value, size, address, protection));
        return Status.Ok;
    }

    public Status Unmap(Iova iova, ulong size)
    {
        Calls++;
        var last = iova.Value + (size - 1);
        var touched = Mappings.Values.Where(other => other.Start <= last && iova.Value <= other.Last).ToArray();
        if (touched.Any(other => other.Start < iova.Value || other.Last > last))
            return Status.InvalidArgument;
        foreach (var mapping in touched)
            Mappings.Remove(mapping.Start);
        return touched.Sum(other => (long)other.Size) == (long)size ? Status.Ok : Status.NotFound;
    }

    public Status UnmapAll()
    {
        Calls++;
        Mappings.Clear();
        return Status.Ok;
    }

    public VfioDevice OpenDevice(string address) => throw new ApertureException(Status.NoDevice, $"{address} is no real device");

    public void Dispose() => IsDisposed = true;
}
