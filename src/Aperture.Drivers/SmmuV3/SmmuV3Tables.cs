using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Iommu;

namespace Aperture.Drivers.SmmuV3;

/// <summary>Page tables that a unit can walk.</summary>
/// <param name="Root">The first table.</param>
/// <param name="Format">Their format.</param>
internal readonly record struct SmmuV3Tables(PhysicalAddress Root, ArmLpaeFormat Format)
{
    /// <summary>The tables of a domain.</summary>
    /// <returns>False when they are of another kind, or it has none.</returns>
    public static bool TryOf(IommuDomain domain, out SmmuV3Tables tables)
    {
        tables = domain switch
        {
            PagingDomain<ArmLpaeFormat> paging => new SmmuV3Tables(paging.Table.Root, paging.Table.Format),
            SharedDomain { Tables.Format: ArmLpaeFormat format } shared => new SmmuV3Tables(shared.Tables.Root, format),
            _ => default,
        };
        return domain is PagingDomain<ArmLpaeFormat> or SharedDomain { Tables.Format: ArmLpaeFormat };
    }

    /// <summary>Log2 of the granule of a domain's tables.</summary>
    public static int GranuleShiftOf(IommuDomain domain) => domain switch
    {
        PagingDomain<ArmLpaeFormat> paging => (int)ulong.TrailingZeroCount(paging.Table.PageSizes),
        SharedDomain { Tables.Format: ArmLpaeFormat format } => (int)ulong.TrailingZeroCount(format.PageSizes),
        _ => 12,
    };
}
