using Aperture.Core;

namespace Aperture.Iommu;

// How masters come, go and change domains. At all times the domain in force counts one use for each port of each master, so that
// a unit hears of changes from before its driver attaches until after it has attached something else.
public sealed partial class IommuGroup
{
    private ApertureException? _thrown; // what a unit's driver threw instead of returning a status, for the message

    /// <summary>Called when another domain came into force, under the group's lock.</summary>
    internal event Action? Switched;

    /// <summary>Takes a master in and puts it where the others are.</summary>
    internal void Add(IommuMaster master)
    {
        lock (_lock)
        {
            var known = 0;
            try
            {
                for (; known < master.Ports.Count; known++)
                    master.Ports[known].Unit.AddMaster(master.Device);
                _core.Trace?.AddDeviceToGroup(Id, master.Device.Name);
                if (Domain is not null && Domain == DefaultDomain)
                    Prepare(Domain, master);
                if (Domain is not null && AttachMaster(master, Domain, null) is not Status.Ok and var status)
                    throw Failure(master, status);
                if (JoinPasids(master) is not Status.Ok and var refused)
                {
                    foreach (var port in master.Ports)
                        MustAttach(master, port, null, Domain);
                    throw Failure(master, refused);
                }
            }
            catch
            {
                if (known == master.Ports.Count)
                    _core.Trace?.RemoveDeviceFromGroup(Id, master.Device.Name);
                while (--known >= 0)
                    LetGo(master, master.Ports[known]); // a failure was reported
                throw;
            }

            _masters = [.. _masters, master];
            AssertInvariants();
        }
    }

    /// <summary>Lets a master go: it ends blocked where its unit can do that without a table, else in identity. With the last master the
    /// domains that the core made go too.</summary>
    /// <returns>The first unit that may not have noticed, and how it failed; the master is out all the same.</returns>
    internal (IommuUnit? Unit, Status Status) Remove(IommuMaster master)
    {
        (IommuUnit? Unit, Status Status) failure = (null, Status.Ok);
        lock (_lock)
        {
            _masters = [.. _masters.Where(other => other != master)];
            LeavePasids(master);
            _core.EndRequests(master.Device, null, Domain is NestedDomain);
            foreach (var port in master.Ports)
            {
                var status = Rest(master, port, Domain);
                if (LetGo(master, port) is not Status.Ok and var left)
                    status = left;
                Domain?.RemoveUse(port.Unit);
                if (status != Status.Ok && failure.Unit is null)
                    failure = (port.Unit, status);
            }

            _core.Trace?.RemoveDeviceFromGroup(Id, master.Device.Name);
            if (_masters.Length > 0)
            {
                AssertInvariants();
                return failure;
            }

            Domain = null;
            Volatile.Write(ref _pasids, []);
            if (DefaultDomain is { IsPaging: true })
                DefaultDomain.DisposeWhenUnused();
            DefaultDomain = null;
            _blocked?.Dispose();
            _blocked = null;
        }

        return failure;
    }

    private static Status LetGo(IommuMaster master, MasterPort port)
    {
        try
        {
            return port.Unit.RemoveMaster(master.Device);
        }
        catch (Exception error)
        {
            return port.Unit.Threw(UnitOperation.Attach, error);
        }
    }

    /// <summary>Puts all masters into a domain, or leaves all where they are.</summary>
    private void Switch(IommuDomain domain)
    {
        if (Domain == domain)
            return;
        for (var i = 0; i < _masters.Length; i++)
        {
            var status = AttachMaster(_masters[i], domain, Domain);
            if (status == Status.Ok)
                continue;
            for (var back = i - 1; back >= 0; back--)
            {
                foreach (var port in _masters[back].Ports)
                    MustAttach(_masters[back], port, Domain, domain);
            }

            throw Failure(_masters[i], status);
        }

        var left = Domain;
        Domain = domain;
        Switched?.Invoke();
        EndRequests(left);
        AssertInvariants();
    }

    /// <summary>Puts all masters into a domain; those that cannot go there are blocked, or go when
    /// their unit was programmed afresh. What held before is over in any case.</summary>
    private void MustSwitch(IommuDomain domain)
    {
        if (Domain == domain)
            return;
        ApertureException? failure = null;
        foreach (var master in _masters)
        {
            foreach (var port in master.Ports)
            {
                var status = MustAttach(master, port, domain, Domain);
                if (status != Status.Ok)
                    failure ??= Failure(master, status);
            }

            _core.Trace?.AttachDeviceToDomain(master.Device.Name);
        }

        var left = Domain;
        Domain = domain;
        Switched?.Invoke();
        EndRequests(left);
        AssertInvariants();
        if (failure is not null)
            throw failure;
    }

    /// <summary>Nobody answers any more what was asked in the domain that was left.</summary>
    private void EndRequests(IommuDomain? left)
    {
        foreach (var master in _masters)
            _core.EndRequests(master.Device, null, left is NestedDomain);
    }

    /// <summary>Switches one master on all of its units, or on none.</summary>
    private Status AttachMaster(IommuMaster master, IommuDomain to, IommuDomain? from)
    {
        for (var i = 0; i < master.Ports.Count; i++)
        {
            var port = master.Ports[i];
            to.AddUse(port.Unit);
            var status = AttachPort(master, port, to, from);
            if (status == Status.Ok)
            {
                from?.RemoveUse(port.Unit);
                continue;
            }

            // What held before must hold again. On this unit it never stopped counting, so one use is one too many afterwards.
            for (var back = i; back >= 0; back--)
                MustAttach(master, master.Ports[back], from, to);
            from?.RemoveUse(port.Unit);
            return status;
        }

        _core.Trace?.AttachDeviceToDomain(master.Device.Name);
        return Status.Ok;
    }

    /// <summary>Switches one port for good. A unit that fails even so leaves its master blocked, by its contract or by being told to. But
    /// one whose registers failed has the switch in its books: it is in force when the unit was programmed afresh, so that the master must
    /// not be blocked beyond that.</summary>
    private Status MustAttach(IommuMaster master, MasterPort port, IommuDomain? to, IommuDomain? from)
    {
        to?.AddUse(port.Unit);
        var status = to is null ? Rest(master, port, from) : AttachPort(master, port, to, from);
        var isKept = port.Unit.NeedsReprogram && status is not (Status.NoSpace or Status.InvalidArgument or Status.NotSupported);
        if (status != Status.Ok && !isKept && port.Unit.Capabilities.CanBlock)
            AttachPort(master, port, _core.Blocked, from);
        from?.RemoveUse(port.Unit);
        return status;
    }

    /// <summary>Puts a master where it needs no domain. A unit that can neither block nor bypass forgets it when it is removed.</summary>
    private Status Rest(IommuMaster master, MasterPort port, IommuDomain? from) => port.Unit.Capabilities switch
    {
        { CanBlock: true } => AttachPort(master, port, _core.Blocked, from),
        { CanBypass: true } => AttachPort(master, port, _core.Identity, from),
        _ => Status.Ok,
    };

    private Status AttachPort(IommuMaster master, MasterPort port, IommuDomain domain, IommuDomain? previous, Pasid? pasid = null)
    {
        var usable = domain.Type switch
        {
            DomainType.Identity => pasid is not null || port.Unit.Capabilities.CanBypass,
            DomainType.Blocked => pasid is not null || port.Unit.Capabilities.CanBlock, // a unit with PASIDs can leave one without a table
            _ => !domain.TracksDirty || port.Unit.Capabilities.DirtyTracking,
        };
        if (!usable)
            return Status.NotSupported;
        var attachment = new Attachment(master.Device, port.Streams, domain, previous, pasid);
        if (attachment.Mode == AttachMode.Translate && !port.Unit.Accepts(domain))
            return Status.InvalidArgument;
        try
        {
            var status = port.Unit.Attach(attachment);
            if (status == Status.Ok && domain.IsTrackingDirty)
                status = port.Unit.SetDirtyTracking(domain.TargetOn(port.Unit)!, true);
            return status;
        }
        catch (ApertureException e)
        {
            // Dead hardware fails on a register access; it must not leave the group half switched.
            _thrown = e;
            return e.Status;
        }
    }

    private ApertureException Failure(IommuMaster master, Status status)
    {
        var cause = _thrown?.Status == status ? _thrown : null;
        _thrown = null;
        var units = string.Join(", ", master.Ports.Select(port => port.Unit.Name));
        var why = cause?.Message ?? status.ToString();
        return new(status, $"group {Id} ({master.Device.Name}) could not be attached behind {units}: {why}", cause);
    }
}
