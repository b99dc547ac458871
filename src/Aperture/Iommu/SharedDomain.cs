using Aperture.Core;
using Aperture.Core.PageTables;

namespace Aperture.Iommu;

/// <summary>An address space whose tables are somebody else's: device addresses are those of a process (SVA). Nothing is mapped here; who
/// changes the tables says so.</summary>
public class SharedDomain : IommuDomain
{
    /// <summary>A domain of tables.</summary>
    public SharedDomain(ISharedTables tables)
        : base(DomainType.Shared)
    {
        ArgumentNullException.ThrowIfNull(tables);
        Tables = tables;
    }

    /// <summary>The tables.</summary>
    public ISharedTables Tables { get; }

    /// <summary>Makes every unit drop what it remembers of a range, after the tables were changed and before the memory behind it is used
    /// for anything else.</summary>
    /// <param name="first">The first device address, at a page.</param>
    /// <param name="bytes">Bytes, whole pages.</param>
    /// <param name="pageShift">Log2 of the smallest page that was changed.</param>
    /// <param name="tablesChanged">Whether links between tables were changed, too.</param>
    /// <returns>As <see cref="IommuDomain.Commit"/>.</returns>
    public Status Invalidate(Iova first, ulong bytes, int pageShift, bool tablesChanged)
    {
        var gather = new InvalidationGather { TablesChanged = tablesChanged };
        gather.Add(first, bytes, pageShift);
        return InvalidateUnits(ref gather);
    }
}
