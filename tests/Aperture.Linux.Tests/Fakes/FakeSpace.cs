using System.Collections.Immutable;
using Aperture.Core;
using Aperture.Core.Addresses;
using Aperture.Iommu.Recorded;
using Aperture.Linux.AddressSpaces;
using Aperture.Linux.Vfio;

namespace Aperture.Linux.Tests.Fakes;

/// <summary>A stand-in for the kernel's type1 of the second version: mappings never overlap and are never cut.</summary>
internal sealed class FakeSpace(string name = "IOMMU group 1") : HostSpace
{
    public SortedDictionary<ulong, RecordedMapping> Mappings { get; } = [];

    public int Calls { get; private set; }

    public int MaxMappings { get; set; } = int.MaxValue;

    /// <summary>How the next map fails.</summary>
    public Status FailsNext { get; set; }

    /// <summary>Whether nothing can be removed as a whole.</summary>
    public bool UnmapAllFails { get; set; }

    public bool HasIommu { get; init; } = true;

    public bool IsDisposed { get; private set; }

    public override string Name => name;

    public override ulong PageSizes => 0x4020_1000;

    public override ImmutableArray<IovaRange> Ranges => Given;

    /// <summary>What it can map.</summary>
    public ImmutableArray<IovaRange> Given { get; init; } = [new(default, new(0xFEDF_FFFF)), new(new(0xFEF0_0000), new(0x7F_FFFF_FFFF))];

    public override uint? AvailableMappings => (uint)(MaxMappings - Mappings.Count);

    protected override Status MapCore(Iova iova, PhysicalAddress address, ulong size, Protection protection)
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

        if (((iova.Value | address.Value | size) & 0xFFF) != 0 || size == 0 || (protection & Protection.ReadWrite) == 0)
            return Status.InvalidArgument;
        if (!Ranges.Any(range => range.Contains(iova, size)))
            return Status.InvalidArgument;
        if (Mappings.Values.Any(other => other.Start <= iova.Value + (size - 1) && iova.Value <= other.Last))
            return Status.AlreadyExists;
        if (Mappings.Count >= MaxMappings)
            return Status.NoSpace;
        Mappings.Add(iova.Value, new RecordedMapping(iova.Value, size, address.Value, protection));
        return Status.Ok;
    }

    protected override Status UnmapCore(Iova iova, ulong size)
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

    protected override Status UnmapAllCore()
    {
        Calls++;
        if (UnmapAllFails)
            return Status.IoError;
        Mappings.Clear();
        return Status.Ok;
    }

    public override VfioDevice OpenDevice(string address) => throw new ApertureException(Status.NoDevice, $"{address} is no real device");

    protected override void Dispose(bool disposing) => IsDisposed = true;
}
