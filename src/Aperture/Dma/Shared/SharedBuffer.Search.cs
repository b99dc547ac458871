using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Dma.Shared;

// A device address that is free for several devices.
public sealed partial class SharedBuffer
{
    /// <summary>Looks for the lowest address that all can have.</summary>
    private Iova Search(ReadOnlySpan<Device> devices, string file, int line)
    {
        var bytes = (ulong)Block.Length;
        var limit = new Iova(ulong.MaxValue);
        foreach (var device in devices)
        {
            device.Dma.FlushUnmaps(); // what waits for its invalidation only is free
            limit = device.Dma.Limit < limit ? device.Dma.Limit : limit;
        }

        Iova address = default;
        while (TryAgree(devices, bytes, limit, ref address))
        {
            var status = AttachAt(devices, address, file, line);
            if (status == Status.Ok)
                return address;
            if (status is not (Status.AlreadyExists or Status.OutOfRange))
                throw new ApertureException(
                    status,
                    $"the shared buffer at {Block.Address} cannot be mapped at {address} for all who shall take part ({status})");
            if (bytes > ulong.MaxValue - address.Value)
                break;
            address += bytes; // taken meanwhile, or mapped by a driver itself
        }

        throw new ApertureException(
            Status.NoSpace,
            $"no device address up to {limit} is free for the shared buffer of 0x{bytes:x} bytes at {Block.Address} "
            + "for all who shall take part");
    }

    /// <summary>Moves an address up until it is free for all: whoever has something there names the next that is free for it.</summary>
    private static bool TryAgree(ReadOnlySpan<Device> devices, ulong bytes, Iova limit, ref Iova address)
    {
        for (int agreed = 0, i = 0; agreed < devices.Length; i = (i + 1) % devices.Length)
        {
            if (!devices[i].Dma.Domain!.Space!.TryFindNext(bytes, address, limit, out var next))
                return false;
            agreed = next == address ? agreed + 1 : 1;
            address = next;
        }

        return true;
    }

    /// <summary>Lets all take part at an address, or none.</summary>
    private Status AttachAt(ReadOnlySpan<Device> devices, Iova address, string file, int line)
    {
        var first = devices[0].Dma;
        var status = first.TryMapAt(Block, address, DmaDirection.Bidirectional, DmaAttributes.SkipCpuSync, out var mapping, file, line);
        if (status != Status.Ok)
            return status;
        Add(first, new Part(mapping, first), file, line);
        var errors = default(ThrownErrors);
        try
        {
            if (AttachOthers(0, address, devices, file, line, out status) < 0)
                return Status.Ok;
        }
        catch (Exception error)
        {
            errors.Add(error);
        }

        Leave(first, ref errors, file, line);
        errors.Throw();
        return status;
    }

    /// <summary>Lets the others take part at the address of one.</summary>
    /// <returns>Index of the first that cannot, and then none of them does; negative when all do.</returns>
    private int AttachOthers(int leader, Iova address, ReadOnlySpan<Device> devices, string file, int line, out Status status)
    {
        var errors = default(ThrownErrors);
        var at = 0;
        status = Status.Ok;
        try
        {
            for (; at < devices.Length; at++)
            {
                if (at != leader && (status = TryJoin(devices[at].Dma, address, file, line)) != Status.Ok)
                    break;
            }
        }
        catch (Exception error)
        {
            errors.Add(error);
        }

        if (at == devices.Length)
            return -1;
        for (var done = at - 1; done >= 0; done--) // those who borrow before those who lend
        {
            if (done != leader)
                Leave(devices[done].Dma, ref errors, file, line);
        }

        errors.Throw();
        return at;
    }

    private Status TryJoin(DmaContext context, Iova address, string file, int line)
    {
        if (TryBorrow(context, address, file, line) is not null)
            return Status.Ok;
        var status = context.TryMapAt(Block, address, DmaDirection.Bidirectional, DmaAttributes.SkipCpuSync, out var mapping, file, line);
        if (status == Status.Ok)
            Add(context, new Part(mapping, context), file, line);
        return status;
    }
}
