using Aperture.Core;

namespace Aperture.Iommu;

// Processes of the masters with address spaces of their own.
public sealed partial class IommuGroup
{
    private Dictionary<Pasid, IommuDomain> _pasids = []; // replaced whole

    /// <summary>The address spaces of processes, by their IDs. What comes without one is in <see cref="Domain"/>.</summary>
    public IReadOnlyDictionary<Pasid, IommuDomain> Pasids => Volatile.Read(ref _pasids);

    /// <summary>The address space that an access is in.</summary>
    /// <param name="pasid">The process that it is for; null for none.</param>
    /// <remarks>A guest has its processes in its own tables: those of a nested domain are all there.</remarks>
    public IommuDomain? DomainOf(Pasid? pasid) =>
        pasid is { } process && Domain is not NestedDomain ? Pasids.GetValueOrDefault(process) : Domain;

    /// <summary>Puts a process of all masters that tell processes apart into an address space.</summary>
    /// <param name="pasid">The process, 1 to what the units and the masters can tell apart.</param>
    /// <param name="domain">Where it goes.</param>
    /// <exception cref="ApertureException"><see cref="Status.NotSupported"/>: a unit has no PASIDs, or no master has;
    /// <see cref="Status.OutOfRange"/>: 0, or more than they have; <see cref="Status.Busy"/>: the process is in an address space already;
    /// <see cref="Status.InvalidArgument"/>: the domain is for another kind of unit; or what a unit's driver reported. The process is
    /// nowhere then.</exception>
    public void AttachPasid(Pasid pasid, IommuDomain domain)
    {
        ArgumentNullException.ThrowIfNull(domain);
        lock (_lock)
        {
            foreach (var unit in _masters.SelectMany(master => master.Ports).Select(port => port.Unit))
            {
                if (unit.Capabilities.Pasids == 0)
                    throw PasidFailure(Status.NotSupported, $"IOMMU {unit.Name} has no PASIDs ({nameof(IommuCapabilities.Pasids)})");
                if (pasid.Value == 0 || pasid.Value >= unit.Capabilities.Pasids)
                {
                    var last = unit.Capabilities.Pasids - 1;
                    throw PasidFailure(Status.OutOfRange, $"IOMMU {unit.Name} has PASIDs from 1 to {last}, not {pasid}");
                }
            }

            IommuMaster[] masters = [.. _masters.Where(master => master.PasidBits > 0)];
            if (masters.Length == 0)
                throw PasidFailure(Status.NotSupported, "none of its masters has PASIDs");
            if (Array.Find(masters, master => pasid.Value >> master.PasidBits != 0) is { } small)
                throw PasidFailure(Status.OutOfRange, $"{small.Device.Name} has PASIDs of {small.PasidBits} bits, not {pasid}");
            if (_pasids.ContainsKey(pasid))
                throw PasidFailure(Status.Busy, $"PASID {pasid} is in an address space already");

            for (var i = 0; i < masters.Length; i++)
            {
                var status = AttachPasid(masters[i], pasid, domain);
                if (status == Status.Ok)
                    continue;
                for (var back = i - 1; back >= 0; back--)
                    LeavePasid(masters[back], pasid, domain);
                throw Failure(masters[i], status);
            }

            Volatile.Write(ref _pasids, new(_pasids) { [pasid] = domain });
            AssertInvariants();
        }
    }

    /// <summary>Takes a process out of its address space: nothing of it passes any more. What it asked for is answered as
    /// invalid.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NotFound"/>: it is in none.</exception>
    public void DetachPasid(Pasid pasid)
    {
        lock (_lock)
        {
            if (!_pasids.TryGetValue(pasid, out var domain))
                throw PasidFailure(Status.NotFound, $"PASID {pasid} is in no address space");
            foreach (var master in _masters.Where(master => master.PasidBits > 0))
                LeavePasid(master, pasid, domain);
            var left = new Dictionary<Pasid, IommuDomain>(_pasids);
            left.Remove(pasid);
            Volatile.Write(ref _pasids, left);
            AssertInvariants();
        }
    }

    /// <summary>Puts the processes of a master that joins where those of the others are, or none of them.</summary>
    private Status JoinPasids(IommuMaster master)
    {
        if (master.PasidBits == 0)
            return Status.Ok;
        var done = new List<Pasid>();
        foreach (var (pasid, domain) in _pasids)
        {
            var status = AttachPasid(master, pasid, domain);
            if (status != Status.Ok)
            {
                foreach (var joined in done)
                    LeavePasid(master, joined, _pasids[joined]);
                return status;
            }

            done.Add(pasid);
        }

        return Status.Ok;
    }

    /// <summary>Takes the processes of a master out that leaves.</summary>
    private void LeavePasids(IommuMaster master)
    {
        foreach (var (pasid, domain) in _pasids)
        {
            if (master.PasidBits > 0)
                LeavePasid(master, pasid, domain);
        }
    }

    /// <summary>Attaches a process of a master on all of its units, or on none.</summary>
    private Status AttachPasid(IommuMaster master, Pasid pasid, IommuDomain domain)
    {
        for (var i = 0; i < master.Ports.Count; i++)
        {
            var port = master.Ports[i];
            domain.AddUse(port.Unit);
            var status = AttachPort(master, port, domain, null, pasid);
            if (status == Status.Ok)
                continue;
            for (; i >= 0; i--)
                LeavePasid(master, master.Ports[i], pasid, domain);
            return status;
        }

        return Status.Ok;
    }

    private void LeavePasid(IommuMaster master, Pasid pasid, IommuDomain domain)
    {
        foreach (var port in master.Ports)
            LeavePasid(master, port, pasid, domain);
        _core.EndRequests(master.Device, pasid);
    }

    /// <summary>Blocks a process on one unit. A unit that fails needs to be programmed afresh, and what is removed from the domain is in
    /// quarantine until it was.</summary>
    private void LeavePasid(IommuMaster master, MasterPort port, Pasid pasid, IommuDomain domain)
    {
        AttachPort(master, port, _core.Blocked, domain, pasid);
        domain.RemoveUse(port.Unit);
    }

    private ApertureException PasidFailure(Status status, string why) =>
        new(status, $"group {Id} ({string.Join(", ", _masters.Select(master => master.Device.Name))}): {why}");
}
