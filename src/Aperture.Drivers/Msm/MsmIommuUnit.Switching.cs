using Aperture.Core;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Msm;

/// <summary>How a master goes from one domain to another: books first, then registers. The books hold whether registers answer or not.</summary>
public sealed partial class MsmIommuUnit
{
    /// <summary>The bank for a domain: the one that it is in force in, else the master's own where only its group uses that, which moves as a
    /// whole, else a free one.</summary>
    private MsmContext? TryChoose(IommuDomain domain, MsmPlace place)
    {
        MsmContext? free = null;
        foreach (var context in _contexts)
        {
            if (context.Domain == domain)
                return context;
            if (context.Domain is null)
                free ??= context;
        }

        return place.Context is { } present && !_places.Exists(other => other.Context == present && other.Master.Iommu?.Group != place.Master.Iommu?.Group) ? present : free;
    }

    /// <summary>Moves a master into a domain, or to no bank, where its accesses are refused. At every moment each of its machine IDs
    /// leads to the old domain or to the new one.</summary>
    private Status Move(MsmPlace place, MsmContext? to, IommuDomain? domain)
    {
        var from = place.Context;
        var isJoining = to is null || to.Domain == domain;
        Put(place with { Context = to });
        if (to is not null)
            to.Domain = domain;
        if (!_isActive)
            return Status.Ok; // a resume programs everything
        try
        {
            Program(place, from, to, isJoining);
            return Status.Ok;
        }
        catch (BusErrorException error)
        {
            // A unit that does not answer lets nothing through. When it comes back it goes by the books: a domain that was left may
            // be gone by then, and a caller who wants the old one back says so.
            _isAstray = true;
            return error.Status;
        }
    }

    /// <summary>Enters a master's place, as the last that came; a bank that nobody uses any more is free.</summary>
    private void Put(MsmPlace place)
    {
        var index = _places.FindIndex(other => other.Master == place.Master);
        var from = index < 0 ? null : _places[index].Context;
        if (index >= 0)
            _places.RemoveAt(index);
        _places.Add(place);
        if (place.Context is not null)
            place.Context.Users++;
        if (from is not null && --from.Users == 0)
            from.Domain = null;
    }

    private void Program(MsmPlace place, MsmContext? from, MsmContext? to, bool isJoining)
    {
        _clocks.Enable();
        try
        {
            if (_isAstray)
            {
                ProgramAll();
                return;
            }

            if (!isJoining)
                Start(to!);
            if (from != to)
                Route(place);
            if (from is { Users: 0 })
                Stop(from);
        }
        finally
        {
            _clocks.Disable();
        }
    }

    /// <summary>Brings the registers in line with the books if they may not be.</summary>
    private Status TryMend()
    {
        if (!_isAstray || !_isActive)
            return Status.Ok;
        _clocks.Enable();
        try
        {
            ProgramAll();
            return Status.Ok;
        }
        catch (BusErrorException error)
        {
            return error.Status;
        }
        finally
        {
            _clocks.Disable();
        }
    }

    private Device? MasterOf(uint machine) => PlaceOf(machine)?.Master;

    /// <summary>Who uses a machine ID; of several that share it, the one that was attached last and is not blocked.</summary>
    private MsmPlace? PlaceOf(uint machine)
    {
        MsmPlace? found = null;
        foreach (var place in _places)
        {
            if (place.Has(machine) && (found?.Context is null || place.Context is not null))
                found = place;
        }

        return found;
    }
}
