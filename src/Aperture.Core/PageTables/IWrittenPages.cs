namespace Aperture.Core.PageTables;

/// <summary>Hears which pages were written. A struct, so that nothing is allocated and nothing is virtual.</summary>
public interface IWrittenPages
{
    /// <summary>A page was written.</summary>
    /// <param name="start">Its first device address.</param>
    /// <param name="size">Its bytes.</param>
    void Add(Iova start, ulong size);
}
