using Aperture.Core.PageTables;
using Aperture.Datasheets.Msm;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Msm;

/// <summary>What makes the unit forget. Faults are never cached and links neither, so only the pages that were removed count.</summary>
public sealed partial class MsmIommuUnit
{
    private const int MaxEntries = 64; // single invalidations in one go; beyond it forgetting the whole context is cheaper

    /// <inheritdoc/>
    public override void Invalidate(IommuDomain domain, in InvalidationGather gather)
    {
        using (_lock.Hold())
        {
            if (!_isActive || FindContext(domain) is not { } context)
                return; // on its way in or out, or off: coming into force forgets everything
            ulong entries = 0;
            foreach (var range in gather.AsSpan())
                entries += range.Pages;
            if (entries == 0 && !_isAstray)
                return;
            _clocks.Enable();
            try
            {
                if (_isAstray)
                    ProgramAll();
                else if (entries > MaxEntries)
                    Write(context.Number, MsmContextRegisters.InvalidateAll, 0);
                else
                    Forget(context.Number, gather);
            }
            catch (BusErrorException)
            {
                // What it still knows it may use when it comes back: before it is used again everything is programmed afresh.
                _isAstray = true;
            }
            finally
            {
                _clocks.Disable();
            }
        }
    }

    private void Forget(int bank, in InvalidationGather gather)
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

    private MsmContext? FindContext(IommuDomain domain)
    {
        foreach (var context in _contexts)
        {
            if (context.Domain == domain)
                return context;
        }

        return null;
    }
}
