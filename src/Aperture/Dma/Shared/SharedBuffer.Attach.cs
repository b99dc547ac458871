using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Core.Threading;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Dma.Shared;

// Who takes part, and where they find the buffer.
public sealed partial class SharedBuffer
{
    private readonly Dictionary<DmaContext, Part> _parts = []; // of each device that takes part
    private readonly HashSet<IommuDomain> _domains = [];       // in which the memory was mapped

    /// <summary>Lets a device take part. With an address, the device finds the buffer there, as the others do that were given the same.
    /// Devices in one domain find it at one address in any case.</summary>
    /// <param name="device">A bound device.</param>
    /// <param name="address">The device address, with the memory's offset in a page; null for any.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <returns>Where the device finds the first byte.</returns>
    /// <exception cref="ApertureException"><see cref="Status.AlreadyExists"/>: it takes part, or its address is taken; or the device cannot
    /// reach the memory.</exception>
    public Iova Attach(Device device, Iova? address = null, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        ArgumentNullException.ThrowIfNull(device);
        using var gate = EventGate.Close(ThreadRecord.Current);
        lock (_lock)
        {
            RefuseGone();
            RefuseTwice(device);
            if (TryBorrow(device.Dma, address, file, line) is { } borrowed)
                return borrowed;
            // Only the one whose turn it is may have its caches maintained for it.
            var mapping = address is { } at
                ? device.Dma.MapAt(Block, at, DmaDirection.Bidirectional, DmaAttributes.SkipCpuSync, file, line)
                : device.Dma.Map(Block, DmaDirection.Bidirectional, DmaAttributes.SkipCpuSync, file, line);
            Add(device.Dma, new Part(mapping, device.Dma), file, line);
            AssertInvariants();
            return mapping.Address;
        }
    }

    /// <summary>Finds a device address that is free for all of some devices, and lets them take part there.</summary>
    /// <param name="devices">Bound devices, at least one.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <returns>The address.</returns>
    /// <exception cref="ApertureException">As for <see cref="Attach"/>, or no address is free for all; none takes part then.</exception>
    public Iova AttachAll(ReadOnlySpan<Device> devices, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        if (devices.IsEmpty)
            throw new ApertureException(Status.InvalidArgument, $"no device shall take part in the shared buffer at {Block.Address}");
        using var gate = EventGate.Close(ThreadRecord.Current);
        lock (_lock)
        {
            RefuseGone();
            for (var i = 0; i < devices.Length; i++)
            {
                RefuseTwice(devices[i]);
                for (var j = 0; j < i; j++)
                {
                    if (devices[j] == devices[i])
                        throw new ApertureException(
                            Status.InvalidArgument,
                            $"{devices[i].Name} is named twice for the shared buffer at {Block.Address}");
                }
            }

            // Whose addresses are the bus's has no choice: the others follow.
            var leader = 0;
            for (var i = 0; i < devices.Length; i++)
                leader = devices[i].Dma.Domain is null ? i : leader;
            var address = Attach(devices[leader], null, file, line);
            var errors = default(ThrownErrors);
            var (clash, status) = (leader, Status.Ok);
            try
            {
                clash = AttachOthers(leader, address, devices, file, line, out status);
            }
            catch (Exception error)
            {
                errors.Add(error);
            }

            if (clash < 0)
                return address;
            var isOwn = _parts[devices[leader].Dma].Owner == devices[leader].Dma;
            Leave(devices[leader].Dma, ref errors, file, line);
            errors.Throw();
            if (isOwn && status is (Status.AlreadyExists or Status.OutOfRange) && devices[leader].Dma.Domain is not null)
                return Search(devices, file, line);
            throw new ApertureException(
                status,
                $"{devices[clash].Name} cannot find the shared buffer at {address}, where {devices[leader].Name} does ({status})");
        }
    }

    /// <summary>Ends a device's part. Nobody's turn may be running that is its.</summary>
    /// <param name="device">The device.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ApertureException"><see cref="Status.Busy"/>: its turn is running, or others in its domain use its
    /// mapping.</exception>
    public void Detach(Device device, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        ArgumentNullException.ThrowIfNull(device);
        using var gate = EventGate.Close(ThreadRecord.Current);
        lock (_lock)
        {
            if (_uses.Exists(use => use.User == device.Dma))
                throw new ApertureException(Status.Busy, $"{device.Name} is using the shared buffer at {Block.Address}");
            foreach (var (user, part) in _parts)
            {
                if (part.Owner == device.Dma && user != device.Dma)
                    throw new ApertureException(
                        Status.Busy,
                        $"{user.DeviceName} finds the shared buffer at {Block.Address} through the mapping of {device.Name}");
            }

            if (Remove(device.Dma, out var own) && own.Owner == device.Dma)
                own.Mapping.Unmap(DmaAttributes.SkipCpuSync, file, line);
        }
    }

    private void Add(DmaContext context, Part part, string file, int line)
    {
        context.TellOf(DmaEventKind.Share, part.Mapping, part.Mapping.Direction, file, line);
        _parts.Add(context, part);
        context.Detaching += OnDetaching;
        if (part.Owner.Domain is { } domain)
            _domains.Add(domain);
    }

    /// <summary>Ends a part that nobody borrows, whatever becomes of its unmap: a unit that cannot be told keeps the memory in its
    /// quarantine.</summary>
    private void Leave(DmaContext context, ref ThrownErrors errors, string file, int line)
    {
        if (!Remove(context, out var part) || part.Owner != context)
            return;
        try
        {
            part.Mapping.TryEnd(DmaAttributes.SkipCpuSync, file, line);
            context.FlushUnmaps();
        }
        catch (Exception error)
        {
            errors.Add(error);
        }
    }

    private bool Remove(DmaContext context, out Part part)
    {
        context.Detaching -= OnDetaching;
        return _parts.Remove(context, out part);
    }

    /// <summary>A device is unbound that should have been detached before: its part and its turns end with its way to memory. Others in its
    /// domain that find the buffer through its mapping go on with that.</summary>
    private void OnDetaching(DmaContext context)
    {
        SharedUse[] ended;
        var errors = default(ThrownErrors);
        using (EventGate.Close(ThreadRecord.Current))
        {
            lock (_lock)
            {
                ended = [.. _uses.Where(use => use.User == context)];
                _uses.RemoveAll(use => use.User == context);
                EndPart(context, ref errors);
                AssertInvariants();
            }
        }

        foreach (var use in ended)
            use.Done.Signal(ref errors);
        errors.Throw();
    }

    private void EndPart(DmaContext context, ref ThrownErrors errors)
    {
        var borrowing = _parts.Where(other => other.Key != context && other.Value.Owner == context);
        DmaContext[] borrowers = [.. borrowing.Select(other => other.Key)];
        if (borrowers.Length == 0)
        {
            Leave(context, ref errors, "", 0);
            return;
        }

        Remove(context, out var part);
        var handed = new Part(part.Mapping.HandTo(borrowers[0]), borrowers[0]);
        foreach (var borrower in borrowers)
            _parts[borrower] = handed;
    }

    /// <summary>Lets a device take part through the mapping of another one in its domain: it is there for both.</summary>
    /// <returns>The address; null when there is none, or not at the one wanted.</returns>
    private Iova? TryBorrow(DmaContext context, Iova? address, string file, int line)
    {
        foreach (var part in _parts.Values)
        {
            if (part.Owner.Domain is null || part.Owner.Domain != context.Domain)
                continue;
            if (part.Mapping.Address != (address ?? part.Mapping.Address))
                continue;
            Add(context, part, file, line);
            return part.Mapping.Address;
        }

        return null;
    }

    private void RefuseTwice(Device device)
    {
        if (_parts.ContainsKey(device.Dma))
            throw new ApertureException(Status.AlreadyExists, $"{device.Name} takes part in the shared buffer at {Block.Address} already");
    }

    /// <summary>How a device takes part.</summary>
    /// <param name="Mapping">Its mapping.</param>
    /// <param name="Owner">Whose mapping it is: the device's own, or another's in its domain.</param>
    private readonly record struct Part(DmaMapping Mapping, DmaContext Owner);
}
