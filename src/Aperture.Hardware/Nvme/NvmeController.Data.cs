using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Datasheets.Nvme;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Nvme;

/// <content>Where the data of a command lies: PRPs and SGLs.</content>
public sealed partial class NvmeController
{
    private const int MostSegments = 256; // of an SGL: no list that leads in a circle is followed for ever

    private readonly List<(Iova Address, int Length, bool IsBucket)> _pieces = [];

    private int PageBytes => 1 << _configuration.PageShift;

    /// <summary>Moves the data of a command from the controller to memory.</summary>
    private NvmeStatus Send(in NvmeCommand command, ReadOnlySpan<byte> data)
    {
        var status = Find(command, data.Length);
        if (status != NvmeStatus.Success)
            return status;
        var done = 0;
        foreach (var (address, length, isBucket) in _pieces)
        {
            if (!isBucket && Store(address, data.Slice(done, length)) is not DmaStatus.Ok and var failed)
                return NoData(failed);
            done += length;
        }

        DataBytes += (ulong)data.Length;
        return NvmeStatus.Success;
    }

    /// <summary>Moves the data of a command from memory to the controller.</summary>
    private NvmeStatus Receive(in NvmeCommand command, Span<byte> data)
    {
        var status = Find(command, data.Length);
        if (status != NvmeStatus.Success)
            return status;
        var done = 0;
        foreach (var (address, length, isBucket) in _pieces)
        {
            if (isBucket)
                return NvmeStatus.InvalidSglType; // from nowhere nothing comes
            if (Load(address, data.Slice(done, length)) is not DmaStatus.Ok and var failed)
                return NoData(failed);
            done += length;
        }

        DataBytes += (ulong)data.Length;
        return NvmeStatus.Success;
    }

    /// <summary>Reads memory, for whatever.</summary>
    private DmaStatus Load(Iova address, Span<byte> bytes) =>
        InjectAccess?.Invoke(DmaAccess.Read, address, bytes.Length) ?? _port.Read(address, bytes, out _);

    /// <summary>Writes memory, for whatever.</summary>
    private DmaStatus Store(Iova address, ReadOnlySpan<byte> bytes) =>
        InjectAccess?.Invoke(DmaAccess.Write, address, bytes.Length) ?? _port.Write(address, bytes, out _);

    private NvmeStatus NoData(DmaStatus status)
    {
        IsStuck |= status == DmaStatus.Stalled;
        return NvmeStatus.DataTransferError;
    }

    private NvmeStatus Find(in NvmeCommand command, int bytes)
    {
        _pieces.Clear();
        if (command.Transfer == 0)
            return FindByPrps(command, bytes);
        return Options.HasSgls && command.Transfer != 3 ? FindBySgls(command, bytes) : NvmeStatus.InvalidField;
    }

    private NvmeStatus FindByPrps(in NvmeCommand command, int bytes)
    {
        var page = (ulong)PageBytes;
        if ((command.Prp1 & 3) != 0)
            return NvmeStatus.InvalidPrpOffset;
        var first = (int)Math.Min((ulong)bytes, page - (command.Prp1 & (page - 1)));
        Add(command.Prp1, first);
        var left = bytes - first;
        if (left == 0)
            return NvmeStatus.Success;
        if (left <= PageBytes)
        {
            if ((command.Prp2 & (page - 1)) != 0)
                return NvmeStatus.InvalidPrpOffset;
            Add(command.Prp2, left);
            return NvmeStatus.Success;
        }

        // A list; the last entry of a page of it leads to the next page where more follows.
        var at = command.Prp2;
        if ((at & 7) != 0)
            return NvmeStatus.InvalidPrpOffset;
        while (left > 0)
        {
            ulong entry = 0;
            if (Load(new Iova(at), MemoryMarshal.AsBytes(new Span<ulong>(ref entry))) is not DmaStatus.Ok and var failed)
                return NoData(failed);
            var isLast = (at & (page - 1)) == page - sizeof(ulong);
            if ((entry & (page - 1)) != 0)
                return NvmeStatus.InvalidPrpOffset;
            if (isLast && left > PageBytes)
            {
                at = entry;
                continue;
            }

            var length = Math.Min(left, PageBytes);
            Add(entry, length);
            left -= length;
            at += sizeof(ulong);
        }

        return NvmeStatus.Success;
    }

    private NvmeStatus FindBySgls(in NvmeCommand command, int bytes)
    {
        var left = bytes;
        var descriptor = new NvmeSglDescriptor(command.Prp1, command.Prp2);
        if (descriptor.Type is NvmeSglDescriptor.DataBlock or NvmeSglDescriptor.BitBucket)
        {
            var status = Add(descriptor, ref left);
            return status != NvmeStatus.Success ? status : left == 0 ? NvmeStatus.Success : NvmeStatus.SglTooShort;
        }

        for (var segment = 0; segment < MostSegments; segment++)
        {
            if (descriptor.Type is not (NvmeSglDescriptor.Segment or NvmeSglDescriptor.LastSegment) || descriptor.SubType != 0)
                return NvmeStatus.InvalidSglType;
            if (descriptor.Length == 0 || descriptor.Length % NvmeSglDescriptor.Bytes != 0)
                return NvmeStatus.InvalidSglSegment;
            var isLast = descriptor.Type == NvmeSglDescriptor.LastSegment;
            var (at, count) = (descriptor.Address, descriptor.Length / NvmeSglDescriptor.Bytes);
            for (uint i = 0; i < count; i++, at += NvmeSglDescriptor.Bytes)
            {
                if (Load(new Iova(at), MemoryMarshal.AsBytes(new Span<NvmeSglDescriptor>(ref descriptor)))
                    is not DmaStatus.Ok and var failed)
                    return NoData(failed);
                if (descriptor.Type is NvmeSglDescriptor.Segment or NvmeSglDescriptor.LastSegment)
                {
                    if (isLast || i + 1 != count)
                        return NvmeStatus.InvalidSglSegment;
                    break;
                }

                var status = Add(descriptor, ref left);
                if (status != NvmeStatus.Success)
                    return status;
                if (left == 0)
                    return NvmeStatus.Success;
            }

            if (isLast || descriptor.Type is not (NvmeSglDescriptor.Segment or NvmeSglDescriptor.LastSegment))
                return NvmeStatus.SglTooShort;
        }

        return NvmeStatus.InvalidSglCount;
    }

    private NvmeStatus Add(in NvmeSglDescriptor descriptor, ref int left)
    {
        if (descriptor.Type is not (NvmeSglDescriptor.DataBlock or NvmeSglDescriptor.BitBucket) || descriptor.SubType != 0)
            return NvmeStatus.InvalidSglType;
        var length = (int)Math.Min((uint)left, descriptor.Length);
        if (length > 0)
            _pieces.Add((new Iova(descriptor.Address), length, descriptor.Type == NvmeSglDescriptor.BitBucket));
        left -= length;
        return NvmeStatus.Success;
    }

    private void Add(ulong address, int length) => _pieces.Add((new Iova(address), length, false));
}
