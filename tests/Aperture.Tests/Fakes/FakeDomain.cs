using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Iommu;

namespace Aperture.Tests.Fakes;

/// <summary>A paging domain of 4 KiB pages whose table is a dictionary.</summary>
internal sealed class FakeDomain(DomainType type, Iova start = default, ulong end = uint.MaxValue) : IommuDomain(type)
{
    private readonly Dictionary<ulong, ulong> _pages = new(4096); // physical page by device page
    private readonly Dictionary<ulong, Protection> _rights = new(4096);

    public override bool IsPaging => true;

    public override ulong PageSizes => 0x1000;

    public override Iova ApertureStart { get; } = start;

    public override Iova ApertureEnd { get; } = new(end);

    public int Count => _pages.Count;

    public bool IsDisposed { get; private set; }

    /// <summary>After how many more maps one fails; negative for never.</summary>
    public int FailAfter { get; set; } = -1;

    /// <summary>Whether an unmap removes a table, too.</summary>
    public bool RemovesTables { get; set; }

    /// <summary>Commits whose ranges were not empty.</summary>
    public int Commits { get; private set; }

    public Protection RightsAt(Iova iova) => _rights.GetValueOrDefault(iova.Value >> 12);

    public override Status Map(Iova iova, PhysicalAddress address, ulong size, Protection protection)
    {
        if (!iova.IsAligned(4096) || !address.IsAligned(4096) || size % 4096 != 0)
            return Status.InvalidArgument;
        if (FailAfter >= 0 && FailAfter-- == 0)
            return Status.NoMemory;
        for (ulong offset = 0; offset < size; offset += 4096)
        {
            if (!_pages.TryAdd((iova.Value + offset) >> 12, (address.Value + offset) >> 12))
            {
                while (offset > 0)
                {
                    offset -= 4096;
                    _pages.Remove((iova.Value + offset) >> 12);
                }

                return Status.AlreadyExists;
            }

            _rights[(iova.Value + offset) >> 12] = protection;
        }

        return Status.Ok;
    }

    public override Status Unmap(Iova iova, ulong size, ref InvalidationGather gather, out ulong unmapped)
    {
        unmapped = 0;
        while (unmapped < size && _pages.Remove((iova.Value + unmapped) >> 12))
            unmapped += 4096;
        if (unmapped > 0)
            gather.Add(iova, unmapped, 12);
        gather.TablesChanged |= RemovesTables;
        return Status.Ok;
    }

    public override Status Commit(ref InvalidationGather gather)
    {
        if (gather.IsEmpty)
            return Status.Ok;
        Commits++;
        var status = InvalidateUnits(ref gather);
        gather = default;
        return status;
    }

    public override bool TryTranslate(Iova iova, out PhysicalAddress address)
    {
        var found = _pages.TryGetValue(iova.Value >> 12, out var page);
        address = new PhysicalAddress((page << 12) | (iova.Value & 0xFFF));
        return found;
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        IsDisposed = true;
    }
}
