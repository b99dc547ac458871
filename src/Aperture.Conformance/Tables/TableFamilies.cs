namespace Aperture.Conformance.Tables;

/// <summary>The table formats that can be replayed against recordings of page-table libraries. A further one adds its line here.</summary>
public static class TableFamilies
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<TableFamily> All { get; } = [new ArmShortTableFamily(), new ArmLpaeTableFamily(), new AmdTableFamily()];
}
