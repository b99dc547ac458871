using Aperture.Core;
using Aperture.Core.PageTables;

namespace Aperture.Conformance.Tables;

/// <summary>Written pages as a list, to compare with recorded ones.</summary>
public readonly struct WrittenPages() : IWrittenPages
{
    /// <summary>First address and bytes of each, in the order in which they were told.</summary>
    public List<(ulong Start, ulong Size)> List { get; } = [];

    /// <inheritdoc/>
    public void Add(Iova start, ulong size) => List.Add((start.Value, size));
}
