using Aperture.Core;
using Aperture.Core.PageTables;

namespace Aperture.Iommu;

// Which pages were written: the hardware marks them in the table.
public sealed partial class PagingDomain<TFormat>
{
    /// <inheritdoc/>
    public override bool TracksDirty { get; }

    /// <inheritdoc/>
    public override Status SetDirtyTracking(bool isOn)
    {
        if (!TracksDirty)
            return Status.NotSupported;
        var status = SetDirtyTrackingOnUnits(isOn);
        if (status != Status.Ok || !isOn)
            return status;
        var gather = new InvalidationGather();
        var nobody = default(DirtyBitmap);
        status = ReadAndClearDirty(ApertureStart, _last - ApertureStart.Value + 1, nobody, ref gather);
        var told = Commit(ref gather);
        return status == Status.Ok ? told : status;
    }

    /// <inheritdoc/>
    public override Status ReadAndClearDirty(
        Iova start, ulong size, DirtyBitmap written, ref InvalidationGather gather, bool clear = true) =>
        TracksDirty ? Table.ReadDirtyMapped(start, size, clear, ref written, ref gather) : Status.NotSupported;
}
