using System.Runtime.InteropServices;
using Aperture.Linux.Native;
using Aperture.VfioUser.Protocol;

namespace Aperture.VfioUser;

/// <content>Regions: BARs and configuration space.</content>
internal sealed partial class FunctionSession
{
    private Errno GetInfo(ReadOnlySpan<byte> body, ref ReplyWriter reply)
    {
        if (!TryTake(body, out DeviceInfo asked) || asked.ArgumentSize < DeviceInfo.Bytes)
            return Invalid("no question about a device");
        reply.Put(new DeviceInfo
        {
            ArgumentSize = DeviceInfo.Bytes,
            Flags = DeviceInfo.CanReset | DeviceInfo.IsPci,
            Regions = RegionIndex.Count,
            Interrupts = InterruptIndex.Count,
        });
        return Errno.None;
    }

    private Errno GetRegionInfo(ReadOnlySpan<byte> body, ref ReplyWriter reply)
    {
        if (!TryTake(body, out RegionInfo asked)
            || asked.ArgumentSize < RegionInfo.Bytes || asked.Index >= RegionIndex.Count)
        {
            return Invalid("no question about a region that there is");
        }

        var size = _function.SizeOf(asked.Index);
        reply.Put(new RegionInfo
        {
            ArgumentSize = RegionInfo.Bytes,
            Flags = size == 0 ? 0 : RegionInfo.CanRead | RegionInfo.CanWrite,
            Index = asked.Index,
            Size = size,
        });
        return Errno.None;
    }

    /// <summary>No region can be accessed by a file of its own.</summary>
    private Errno GetRegionFiles(ReadOnlySpan<byte> body, ref ReplyWriter reply)
    {
        if (!TryTake(body, out InterruptInfo asked)
            || asked.ArgumentSize < InterruptInfo.Bytes || asked.Index >= RegionIndex.Count || asked.Flags != 0 || asked.Count != 0)
        {
            return Invalid("no question about a region that there is");
        }

        reply.Put(new InterruptInfo { ArgumentSize = InterruptInfo.Bytes, Index = asked.Index });
        return Errno.None;
    }

    private Errno ReadRegion(ReadOnlySpan<byte> body, ref ReplyWriter reply)
    {
        if (!TryTake(body, out RegionAccess access) || !IsInside(access))
            return Invalid("no read inside of a region");
        reply.Put(access);
        Read(access.Region, access.Offset, reply.Take((int)access.Count));
        return Errno.None;
    }

    private Errno WriteRegion(ReadOnlySpan<byte> body, ref ReplyWriter reply)
    {
        if (body.Length < RegionAccess.Bytes)
            return Invalid("no write");
        var access = MemoryMarshal.Read<RegionAccess>(body);
        if (!IsInside(access) || body.Length - RegionAccess.Bytes != access.Count)
            return Invalid("a write outside of the region, or without its data");
        reply.Put(access);
        Write(access.Region, access.Offset, body[RegionAccess.Bytes..]);
        return Errno.None;
    }

    private Errno WriteRegions(ReadOnlySpan<byte> body, ref ReplyWriter reply)
    {
        if (!_writesMulti)
            return Fail(Errno.NotSupported, "several writes in one message were not agreed on");
        if (!MemoryMarshal.TryRead(body, out ulong count))
            return Invalid("no writes");
        var writes = MemoryMarshal.Cast<byte, RegionWrite>(body[sizeof(ulong)..]);
        if (count != (ulong)writes.Length || sizeof(ulong) + (writes.Length * RegionWrite.Bytes) != body.Length)
            return Invalid("another number of writes than told");
        foreach (ref readonly var write in writes)
        {
            if (write.Access.Count > sizeof(ulong) || !IsInside(write.Access))
                return Invalid("one of the writes is outside of its region"); // none is done
        }

        foreach (ref readonly var write in writes)
        {
            Write(write.Access.Region, write.Access.Offset,
                MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in write.Data))[..(int)write.Access.Count]);
        }

        reply.Put(count);
        return Errno.None;
    }

    private bool IsInside(in RegionAccess access)
    {
        var size = _function.SizeOf(access.Region);
        return access.Count is > 0 and <= Connection.MaxTransfer && access.Offset < size && access.Count <= size - access.Offset;
    }

    private void Read(uint region, ulong offset, Span<byte> destination)
    {
        if (region == RegionIndex.Configuration)
        {
            _function.Configuration.Read((int)offset, destination);
            CountAccess(isWrite: false, isAnswered: true);
            return;
        }

        while (!destination.IsEmpty)
        {
            var width = WidthAt(offset, destination.Length);
            var isAnswered = _function.Bars[(int)region]!.TryRead(offset, width, out var value);
            if (!isAnswered)
                value = ulong.MaxValue >> (64 - 8 * width);
            MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in value))[..width].CopyTo(destination);
            CountAccess(isWrite: false, isAnswered);
            _function.Observer?.OnAccess(_function, (int)region, offset, width, value, false, isAnswered);
            destination = destination[width..];
            offset += (uint)width;
        }

        _function.Accessed?.Invoke();
    }

    private void Write(uint region, ulong offset, ReadOnlySpan<byte> source)
    {
        if (region == RegionIndex.Configuration)
        {
            _function.Configuration.Write((int)offset, source);
            CountAccess(isWrite: true, isAnswered: true);
            _function.Interrupts.Refresh(); // the line may be kept from the bus no more
            return;
        }

        while (!source.IsEmpty)
        {
            var width = WidthAt(offset, source.Length);
            ulong value = 0;
            source[..width].CopyTo(MemoryMarshal.AsBytes(new Span<ulong>(ref value)));
            var isAnswered = _function.Bars[(int)region]!.TryWrite(offset, width, value);
            CountAccess(isWrite: true, isAnswered);
            _function.Observer?.OnAccess(_function, (int)region, offset, width, value, true, isAnswered);
            source = source[width..];
            offset += (uint)width;
        }

        _function.Accessed?.Invoke();
    }

    /// <summary>The widest access of the bus that begins at an offset: a power of two, aligned, not beyond the end.</summary>
    private static int WidthAt(ulong offset, int length)
    {
        var width = sizeof(ulong);
        while (width > length || offset % (uint)width != 0)
            width >>= 1;
        return width;
    }

    private void CountAccess(bool isWrite, bool isAnswered)
    {
        ref var tally = ref _function.Tally;
        tally = tally with
        {
            Reads = tally.Reads + (isWrite ? 0u : 1),
            Writes = tally.Writes + (isWrite ? 1u : 0),
            Unanswered = tally.Unanswered + (isAnswered ? 0u : 1),
        };
    }
}
