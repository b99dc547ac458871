using Aperture.Core;
using Aperture.Core.PageTables;

namespace Aperture.Iommu;

// Which pages were written.
public abstract partial class IommuDomain
{
    private volatile bool _isTracking; // account is kept, on every unit that comes as well

    /// <summary>Whether account of written pages is kept now.</summary>
    public bool IsTrackingDirty => _isTracking;

    /// <summary>Whether the domain was made to tell which pages were written.</summary>
    public virtual bool TracksDirty => false;

    /// <summary>Begins or ends to keep account of written pages, on every unit. When it begins everything counts as not written.</summary>
    /// <param name="isOn">Whether account is kept.</param>
    /// <returns><see cref="Status.NotSupported"/>: the domain was not made for it (<see cref="DomainRequest.TracksDirty"/>), or a unit
    /// cannot; or how a unit failed, as for <see cref="Commit"/>.</returns>
    public virtual Status SetDirtyTracking(bool isOn) => Status.NotSupported;

    /// <summary>Tells which pages were written since account was kept, or since they were told last, and makes them clean.</summary>
    /// <param name="start">The first device address, a multiple of the smallest page size.</param>
    /// <param name="size">Bytes, a multiple of the smallest page size. Where nothing is mapped nothing was written.</param>
    /// <param name="written">Gets a mark for each written page, which may be larger than those of the bitmap. A page may be marked that was
    /// not written.</param>
    /// <param name="gather">Collects what was made clean: the units may remember that they need not mark it, and <see cref="Commit"/> must
    /// follow before the answer is acted on. Empty when <paramref name="clear"/> is false.</param>
    /// <param name="clear">Whether the pages are clean afterwards.</param>
    /// <returns><see cref="Status.NotSupported"/>: the domain was not made for it; <see cref="Status.InvalidArgument"/>: misaligned;
    /// <see cref="Status.OutOfRange"/>: beyond the aperture.</returns>
    public virtual Status ReadAndClearDirty(
        Iova start, ulong size, DirtyBitmap written, ref InvalidationGather gather, bool clear = true) =>
        Status.NotSupported;

    /// <summary>Tells every unit where the domain is in force whether account is kept; those that come later are told then.</summary>
    protected Status SetDirtyTrackingOnUnits(bool isOn)
    {
        _isTracking = isOn;
        foreach (var unit in Units)
        {
            var status = unit.SetDirtyTracking(TargetOn(unit)!, isOn);
            if (status != Status.Ok)
            {
                _isTracking = false; // what one unit does not tell is not known
                return status;
            }
        }

        return Status.Ok;
    }
}
