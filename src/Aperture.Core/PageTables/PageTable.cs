namespace Aperture.Core.PageTables;

/// <summary>The one page-table algorithm.</summary>
public sealed class PageTable<TFormat>
    where TFormat : struct, IPageTableFormat
{
}
