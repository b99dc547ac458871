using Aperture.Core.PageTables;

namespace Aperture.Core.Tests.PageTables;

/// <summary>Written pages as a list.</summary>
public readonly struct WrittenPages() : IWrittenPages
{
    public List<(ulong Start, ulong Size)> List { get; } = [];

    public void Add(Iova start, ulong size) => List.Add((start.Value, size));
}
