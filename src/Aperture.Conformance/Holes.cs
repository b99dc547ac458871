namespace Aperture.Conformance;

/// <summary>Where a recorded unmap and ours part at a hole.</summary>
public static class Holes
{
    /// <summary>Whether a hole lies in a page that begins at an address, for some size of page that fits: smaller pages in its place that
    /// a recorded unmap removes all or none of.</summary>
    /// <param name="pageSizes">The page sizes, one bit each.</param>
    /// <param name="iova">Where the recorded unmap ended.</param>
    /// <param name="hole">The first address that was not mapped.</param>
    /// <param name="end">The end of the range.</param>
    public static bool IsInPage(ulong pageSizes, ulong iova, ulong hole, ulong end)
    {
        for (; pageSizes != 0; pageSizes &= pageSizes - 1)
        {
            var page = pageSizes & (~pageSizes + 1);
            if ((iova & (page - 1)) == 0 && page <= end - iova && hole > iova && hole - iova < page)
                return true;
        }

        return false;
    }
}
