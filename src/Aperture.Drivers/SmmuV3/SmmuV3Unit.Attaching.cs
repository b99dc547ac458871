using System.Runtime.ExceptionServices;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.SmmuV3;

/// <summary>Who is in which domain.</summary>
public sealed partial class SmmuV3Unit
{
    private readonly List<SmmuV3Master> _masters = []; // who moved last is last
    private int _devicesWithAts;                       // how many of them keep translations of their own

    /// <inheritdoc/>
    /// <remarks><see cref="Core.Status.NotSupported"/>: a process in a domain of stage 2 or in the identity domain, or beside a master in
    /// one of stage 2.</remarks>
    public override Status Attach(in Attachment attachment)
    {
        var (device, domain, streams, pasid) = (attachment.Master, attachment.Domain, attachment.Streams, attachment.Pasid);
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(domain);
        if (domain.Type != DomainType.Blocked && !Accepts(domain))
            return Status.InvalidArgument;
        var next = domain.Type == DomainType.Blocked ? null : domain;
        Status status;
        Exception? error;
        using (Registers.Hold())
        {
            status = pasid is { } process ? Switch(device, streams, process, next, out error) : Switch(device, streams, next, out error);
        }

        Tell(UnitOperation.Attach, error, status);
        if (status != Status.Ok && error is ApertureException)
            ExceptionDispatchInfo.Throw(error); // the core tells the caller what the unit's driver said
        return status;
    }

    /// <inheritdoc/>
    public override Status RemoveMaster(Device master)
    {
        Status status;
        Exception? error;
        using (Registers.Hold())
        {
            if (Find(master) is not { } known)
                return Status.Ok;
            foreach (var pasid in known.Processes.Keys.ToArray())
                Switch(master, known.Streams, pasid, null, out _);
            status = Switch(master, known.Streams, null, out error);
            _masters.Remove(known);
            _devicesWithAts -= known.HasAts ? 1 : 0;
        }

        Tell(UnitOperation.Attach, error, status);
        return status;
    }

    private Status Switch(Device device, StreamId[] streams, IommuDomain? next, out Exception? error)
    {
        error = null;
        var known = Find(device);
        var previous = known?.Domain;
        if (known is not null && previous == next && !NeedsReprogram)
            return Status.Ok;
        var status = TryReach(streams, out var newStreams);
        if (status == Status.Ok)
            status = Reserve(next);
        if (status != Status.Ok)
            return status;
        if (known?.Table is not null && IsBehindStage2(next))
        {
            Unreserve(next);
            return Status.NotSupported;
        }

        // The books hold whatever the registers do: a domain that was left may be gone by the time when the unit answers again, and a
        // caller who wants the old one back says so.
        var master = known ?? Meet(device, streams);
        if (known?.Table is { } table)
        {
            if (table.TryCopy(_retired) is not { } copy)
            {
                Unreserve(next);
                return Status.NoMemory;
            }

            copy.Write(0, FirstDescriptorOf(master, next));
            master.Table = copy;
        }

        master.Domain = next;
        _masters.Remove(master);
        _masters.Add(master);
        status = Follow(() => Move(master, previous, newStreams), out error);
        Unreserve(previous);
        if (!NeedsReprogram)
            FreeRetired();
        return status;
    }

    private Status Switch(Device device, StreamId[] streams, Pasid pasid, IommuDomain? next, out Exception? error)
    {
        error = null;
        var master = Find(device);
        var previous = master?.Processes.GetValueOrDefault(pasid);
        if (previous == next && !NeedsReprogram)
            return Status.Ok;
        if (next is { Type: DomainType.Identity or DomainType.Nested } || IsBehindStage2(master?.Domain))
            return Status.NotSupported;
        var status = TryReach(streams, out var newStreams);
        if (status == Status.Ok)
            status = Reserve(next);
        if (status != Status.Ok)
            return status;
        if (ContextOf(next) is { IsStage2: true })
        {
            Unreserve(next);
            return Status.NotSupported;
        }

        master ??= Meet(device, streams);
        status = next is null ? Leave(master, pasid, out error) : Enter(master, pasid, next, newStreams, out error);
        Unreserve(previous);
        Unreserve(next);
        if (!NeedsReprogram)
            FreeRetired();
        return status;
    }

    private SmmuV3Master? Find(Device device) => _masters.Find(master => master.Device == device);

    private SmmuV3Master Meet(Device device, StreamId[] streams)
    {
        var stalls = _options.Stalls?.Invoke(device) ?? device.Node?.Has("dma-can-stall") == true;
        var master = new SmmuV3Master(device, streams)
        {
            Stalls = _identity.MustStall || (_identity.CanStall && stalls),
            HasAts = _identity.HasAts && device.Description.Identity.HasAts,
        };
        _devicesWithAts += master.HasAts ? 1 : 0;
        SetServices(master, isOn: false);
        _masters.Add(master);
        return master;
    }

    /// <summary>Makes room in the stream table.</summary>
    /// <param name="streams">The streams.</param>
    /// <param name="added">Those in a part of the table that there was not before; null for none.</param>
    private Status TryReach(StreamId[] streams, out List<uint>? added)
    {
        added = null;
        foreach (var stream in streams)
        {
            if (!_streams.TryReach(stream.Value, out var isNew))
                return Status.NoMemory;
            if (isNew)
                (added ??= []).Add(stream.Value);
            _known.Add(stream.Value);
        }

        return Status.Ok;
    }

    /// <summary>Who uses a stream; of several that share it, the one that moved last.</summary>
    private SmmuV3Master? OwnerOf(uint stream)
    {
        for (var i = _masters.Count - 1; i >= 0; i--)
        {
            if (_masters[i].Has(stream))
                return _masters[i];
        }

        return null;
    }
}
