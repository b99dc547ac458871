using Aperture.Core;
using Aperture.Datasheets.SmmuV3;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.SmmuV3;

/// <summary>Who waits for an answer: accesses that are stalled, and devices that asked for pages.</summary>
public sealed partial class SmmuV3Unit
{
    private const uint StallGroup = 1 << 16; // groups of stalled accesses are told apart from devices' own by this
    private const uint DenyCode = 0;
    private const uint FailCode = 1;
    private const uint SuccessCode = 2;

    // The stream by which an answer goes, by whom and for what it was asked.
    private readonly Dictionary<(Device Device, Pasid? Pasid, uint Group), uint> _asked = [];
    private readonly List<SmmuV3Command> _owed = []; // answers that the unit has not been given yet

    /// <inheritdoc/>
    public override Status Respond(in PageResponse response)
    {
        var (device, pasid, group, code) = (response.Device, response.Pasid, response.Group, response.Code);
        uint stream;
        using (Registers.Hold())
        {
            if (!_asked.Remove((device, pasid, group), out stream))
                return Status.NotFound;
        }

        if ((group & StallGroup) != 0)
            return Resume(stream, group & ~StallGroup, code == PageResponseCode.Success);
        var answer = code switch { PageResponseCode.Success => SuccessCode, PageResponseCode.Invalid => FailCode, _ => DenyCode };
        return Answer(SmmuV3Command.Respond(stream, pasid?.Value, group, answer));
    }

    /// <summary>The unit was off: accesses that were stalled are over. Devices wait for their pages all the same, and get the answers that
    /// came meanwhile.</summary>
    private void CatchUpAnswers()
    {
        foreach (var asked in _asked.Keys)
        {
            if ((asked.Group & StallGroup) != 0)
                _asked.Remove(asked);
        }

        _owed.RemoveAll(command => command.Opcode != SmmuV3Opcode.PageResponse);
        if (_owed.Count == 0)
            return;
        AddOwed();
        _owed.Clear();
        _commands.Sync();
    }

    /// <summary>A request that nobody heard of before its queue is made empty: the device asks again, as for one that the unit
    /// lost.</summary>
    private void OweLost(int offset)
    {
        var request = new SmmuV3PageRequest(_requests!.Load(offset), _requests.Load(offset + sizeof(ulong)));
        if (request.IsLast && !IsStopMarker(request))
            _owed.Add(SmmuV3Command.Respond(request.Stream, request.Substream, request.Group, SuccessCode));
    }

    private void AddOwed()
    {
        foreach (var answer in _owed)
            _commands.Add(answer);
    }

    private Status Resume(uint stream, uint tag, bool retries) => Answer(SmmuV3Command.ResumeAccess(stream, tag, retries));

    private Status Answer(SmmuV3Command command)
    {
        Status status;
        Exception? error;
        using (Registers.Hold())
        {
            _owed.Add(command); // given when the unit is programmed where it is suspended, or fails
            status = Follow(
                () =>
                {
                    AddOwed();
                    _commands.Sync();
                    _owed.Clear();
                },
                out error);
        }

        Tell(UnitOperation.HandleFault, error, status);
        return status;
    }

    private PageRequest StalledRequestOf(in SmmuV3Event record, Device device) => new(
        this,
        device,
        PasidOf(record),
        StallGroup | record.StallTag,
        new Iova(record.Address),
        (record.IsRead ? Protection.Read : Protection.Write) | (record.IsPrivileged ? Protection.Privileged : 0),
        record.IsFetch,
        IsLast: true);

    private SmmuV3PageRequest TakeRequest(int offset)
    {
        var request = new SmmuV3PageRequest(_requests!.Load(offset), _requests.Load(offset + sizeof(ulong)));
        if (OwnerOf(request.Stream) is { } owner && !IsStopMarker(request))
            _asked[(owner.Device, PasidOf(request), request.Group)] = request.Stream;
        return request;
    }

    /// <summary>Whether a request asks for nothing: a process makes no more of them. Nobody answers it.</summary>
    private static bool IsStopMarker(in SmmuV3PageRequest request) =>
        request is { IsLast: true, IsRead: false, IsWritten: false, Substream: not null };

    private void Tell(SmmuV3PageRequest request)
    {
        if (IsStopMarker(request))
            return;
        Device? device;
        using (Registers.Hold())
            device = OwnerOf(request.Stream)?.Device;
        if (device is null)
        {
            if (request.IsLast)
                Answer(SmmuV3Command.Respond(request.Stream, request.Substream, request.Group, DenyCode));
            return;
        }

        var access = (request.IsRead ? Protection.Read : 0) | (request.IsWritten ? Protection.Write : 0)
            | (request.IsPrivileged ? Protection.Privileged : 0);
        Core.Report(new PageRequest(
            this, device, PasidOf(request), request.Group, new Iova(request.Page), access, request.IsFetch, request.IsLast));
    }

    private static Pasid? PasidOf(in SmmuV3PageRequest request) => request.Substream is { } substream ? new Pasid(substream) : null;
}
