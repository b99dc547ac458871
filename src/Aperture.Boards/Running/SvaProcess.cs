using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Boards.Running;

/// <summary>A process whose memory comes when it is touched, by itself or by a device that shares its tables.</summary>
internal sealed class SvaProcess : IDisposable
{
    /// <summary>Bytes of a page.</summary>
    public const int PageBytes = 4096;

    private readonly Machine _machine;
    private readonly IommuGroup _group;
    private readonly Pasid _pasid;
    private readonly PagingDomain<ArmLpaeFormat> _tables;
    private readonly SharedDomain _domain;
    private readonly Dictionary<int, PhysicalAddress> _frames = []; // by page
    private readonly Dictionary<int, byte[]> _swapped = [];           // what was in the pages that were taken away
    private readonly List<PageRequestGroup> _waiting = [];
    private readonly Random _random;
    private readonly int _pages;

    /// <summary>A process that a device shares.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="device">The device.</param>
    /// <param name="pasid">Its number for the device.</param>
    /// <param name="start">Where its memory begins.</param>
    /// <param name="pages">How many pages that has.</param>
    /// <exception cref="ApertureException">The unit in front of the device cannot share tables.</exception>
    public SvaProcess(Machine machine, Device device, Pasid pasid, Iova start, int pages)
    {
        (_machine, _group, _pasid, Start, _pages) = (machine, device.Iommu!.Group, pasid, start, pages);
        _random = new Random((int)pasid.Value);
        _tables = (PagingDomain<ArmLpaeFormat>)device.Iommu.CreateDomain(new DomainRequest(DomainType.Unmanaged));
        _domain = (SharedDomain)device.Iommu.CreateDomain(new DomainRequest(DomainType.Shared) { Tables = new Shared(_tables) });
        _domain.PageRequestHandler = Handle;
        _group.AttachPasid(pasid, _domain);
    }

    /// <summary>Where its memory begins.</summary>
    public Iova Start { get; }

    /// <summary>Its number for the device.</summary>
    public Pasid Pasid => _pasid;

    /// <summary>Pages that the device asked for.</summary>
    public int Faults { get; private set; }

    /// <summary>Pages that were taken away again.</summary>
    public int Taken { get; private set; }

    /// <summary>Whether requests wait that <see cref="AnswerOne"/> answers.</summary>
    public bool HasWaiting => _waiting.Count > 0;

    /// <summary>Writes as the process does.</summary>
    public void Write(int offset, ReadOnlySpan<byte> bytes)
    {
        for (var done = 0; done < bytes.Length;)
        {
            var part = PartOf(offset + done, bytes.Length - done);
            bytes.Slice(done, part.Length).CopyTo(part);
            done += part.Length;
        }
    }

    /// <summary>Whether the process reads some bytes.</summary>
    public bool Holds(int offset, ReadOnlySpan<byte> bytes)
    {
        for (var done = 0; done < bytes.Length;)
        {
            var part = PartOf(offset + done, bytes.Length - done);
            if (!part.SequenceEqual(bytes.Slice(done, part.Length)))
                return false;
            done += part.Length;
        }

        return true;
    }

    /// <summary>Answers one of the requests that wait, whichever.</summary>
    /// <returns>Whether the device was told.</returns>
    public bool AnswerOne()
    {
        var group = _waiting[_random.Next(_waiting.Count)];
        _waiting.Remove(group);
        return group.Respond(Bring(group) ? PageResponseCode.Success : PageResponseCode.Invalid) == Status.Ok;
    }

    /// <summary>Takes a page away, as memory that is short does: its bytes are kept until somebody touches it, the frame is somebody
    /// else's.</summary>
    /// <returns>Null; or what was wrong.</returns>
    public string? TakeAway(int page)
    {
        if (!_frames.Remove(page, out var frame))
            return null;
        var at = Start + ((ulong)page * PageBytes);
        _tables.Unmap(at, PageBytes);
        var status = _domain.Invalidate(at, PageBytes, 12, tablesChanged: true);
        _swapped[page] = _machine.Memory.Span(frame, PageBytes).ToArray();
        _machine.Pages.Free(frame, 0);
        Taken++;
        return status == Status.Ok ? null : $"a page could not be taken away: {status}";
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _group.DetachPasid(_pasid);
        _domain.Dispose();
        _tables.Dispose();
        foreach (var frame in _frames.Values)
            _machine.Pages.Free(frame, 0);
    }

    private FaultResponse Handle(PageRequestGroup group)
    {
        Faults += group.Requests.Length;
        if (_random.Next(2) == 0)
        {
            _waiting.Add(group);
            return FaultResponse.Deferred;
        }

        return Bring(group) ? FaultResponse.Retry : FaultResponse.Unhandled;
    }

    private bool Bring(PageRequestGroup group)
    {
        foreach (var request in group.Requests)
        {
            var page = (long)(request.Address - Start) / PageBytes;
            if (request.Address < Start || page >= _pages || !TryBring((int)page))
                return false;
        }

        return true;
    }

    private bool TryBring(int page)
    {
        if (_frames.ContainsKey(page))
            return true;
        if (!_machine.Pages.TryAllocate(0, new PhysicalAddress(ulong.MaxValue), out var frame))
            return false;
        var memory = _machine.Memory.Span(frame, PageBytes);
        if (_swapped.TryGetValue(page, out var bytes))
            bytes.CopyTo(memory);
        else
            memory.Clear();
        var status = _tables.Map(Start + ((ulong)page * PageBytes), frame, PageBytes, Protection.ReadWrite | Protection.Cache);
        if (status != Status.Ok)
        {
            _machine.Pages.Free(frame, 0);
            return false;
        }

        _frames.Add(page, frame);
        _swapped.Remove(page);
        return true;
    }

    private Span<byte> PartOf(int offset, int length)
    {
        var (page, at) = (offset / PageBytes, offset % PageBytes);
        if (!TryBring(page))
            throw new ApertureException(Status.NoMemory, "there is no page for a process");
        return _machine.Memory.Span(_frames[page] + (ulong)at, Math.Min(length, PageBytes - at));
    }

    private sealed class Shared(PagingDomain<ArmLpaeFormat> tables) : ISharedTables
    {
        public PhysicalAddress Root => tables.Table.Root;

        public object Format => tables.Table.Format;
    }
}
