using Aperture.Datasheets.Omap;

namespace Aperture.Hardware.Omap;

/// <summary>Entries of different sizes that overlap. What translates alike then ends at 4 KiB, so that a long transfer through a
/// large page meets a stale entry inside it, as it would on the bus.</summary>
public sealed partial class OmapMmu
{
    private const ulong SmallestPage = 4096; // bytes

    private readonly int[] _validOfSize = new int[4];   // number of valid entries of each page size
    private bool _overlapping;                          // whether a valid entry lies inside a larger valid one

    private void CountEntry(OmapCam cam, int change)
    {
        if (cam.IsValid)
            _validOfSize[(int)cam.Size] += change;
    }

    /// <summary>An entry changed.</summary>
    private void UpdateOverlap(int index)
    {
        var overlapping = _overlapping ? AnyOverlap() : HasOtherSizes(_cam[index]) && OverlapsAnother(index, _cam[index]);
        if (overlapping == _overlapping)
            return;
        _overlapping = overlapping;
        UpdateMode();
    }

    private bool HasOtherSizes(OmapCam cam) =>
        cam.IsValid && _validOfSize[(int)cam.Size] != _validOfSize[0] + _validOfSize[1] + _validOfSize[2] + _validOfSize[3];

    private bool AnyOverlap()
    {
        for (var i = 0; i < _cam.Length; i++)
        {
            if (OverlapsAnother(i, _cam[i]))
                return true;
        }

        return false;
    }

    private bool OverlapsAnother(int index, OmapCam cam)
    {
        if (!cam.IsValid)
            return false;
        for (var i = 0; i < _cam.Length; i++)
        {
            if (i != index && _cam[i].IsValid && (_cam[i].Contains(cam.Tag) || cam.Contains(_cam[i].Tag)))
                return true;
        }

        return false;
    }

    /// <summary>How far an address within a page translates alike.</summary>
    /// <param name="offset">The address.</param>
    /// <param name="contiguous">Bytes up to the end of its page.</param>
    /// <param name="cached">Whether the page is in the TLB: if not, another entry may hold a part of it.</param>
    private ulong Clip(ulong offset, ulong contiguous, bool cached = true)
    {
        if (_overlapping || !cached)
            return Math.Min(contiguous, SmallestPage - (offset % SmallestPage));
        return HasActiveBypassRegion() ? Math.Min(contiguous, BypassGranule - (offset % BypassGranule)) : contiguous;
    }
}
