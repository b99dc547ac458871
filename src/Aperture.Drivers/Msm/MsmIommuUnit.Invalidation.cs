using Aperture.Core.PageTables;
using Aperture.Datasheets.Msm;
using Aperture.Iommu;

namespace Aperture.Drivers.Msm;

/// <summary>Invalidation. Faults are never cached and links neither, so only the pages that were removed count.</summary>
public sealed partial class MsmIommuUnit
{
    private const int MaxEntries = 64; // single invalidations in one go; beyond it the whole context at once is cheaper

    /// <inheritdoc/>
    protected override void Flush(InvalidationTarget target, in InvalidationGather gather)
    {
        ArgumentNullException.ThrowIfNull(target);
        var bank = target.Tag;
        ulong entries = 0;
        foreach (var range in gather.AsSpan())
            entries += range.Pages;
        if (bank < 0 || entries == 0)
            return;
        _clocks.On();
        try
        {
            if (entries > MaxEntries)
                Write(bank, MsmContextRegisters.InvalidateAll, 0);
            else
                InvalidatePages(bank, gather);
        }
        finally
        {
            _clocks.Off();
        }
    }

    private void InvalidatePages(int bank, in InvalidationGather gather)
    {
        foreach (var range in gather.AsSpan())
        {
            var page = (uint)range.Start.Value;
            for (var left = range.Pages; left > 0; left--)
            {
                Write(bank, MsmContextRegisters.InvalidateAddress, MsmTlbAddress.Of(page, (uint)bank).Bits);
                page += 1u << range.PageShift;
            }
        }
    }
}
