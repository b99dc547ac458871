using Aperture.Core.Memory;
using Aperture.Devices;

namespace Aperture.Dma.Sanitizer;

/// <summary>Bytes that a device wrote and that nobody took: their mapping ended without a sync. Whoever looks at them may see older
/// ones.</summary>
internal sealed unsafe class Unseen(MappingRecord record, Device device, PhysicalMemory memory, byte* pointer)
{
    private byte[]? _seen; // what was looked at, as it was then; null for no look
    private byte[]? _dram; // and what memory held

    /// <summary>The mapping.</summary>
    public MappingRecord Record { get; } = record;

    /// <summary>Whose it was.</summary>
    public Device Device { get; } = device;

    /// <summary>Which bytes, from its first one.</summary>
    public ByteRanges Bytes { get; } = new(covers: false);

    /// <summary>What the CPU took since, and where.</summary>
    public (ulong From, ulong To, CallSite Site) Look { get; private set; }

    /// <summary>Whether it took something that was not judged yet.</summary>
    public bool IsLookedAt => _seen is not null;

    public void LookAt(ulong from, ulong to, CallSite site)
    {
        Look = (from, to, site);
        _seen = Now.ToArray();
        _dram = Dram.ToArray();
    }

    /// <summary>Whether it took the bytes to write them. What comes to be seen of memory is not written.</summary>
    public bool IsWritten()
    {
        var now = Now;
        for (var i = 0; i < now.Length; i++)
        {
            if (now[i] != _seen![i] && now[i] != _dram![i])
                return true;
        }

        return false;
    }

    public void Settle() => _seen = _dram = null;

    private ReadOnlySpan<byte> Now => new(pointer + Look.From, (int)(Look.To - Look.From));

    private ReadOnlySpan<byte> Dram => memory.TryGetDramPointer(Record.Memory + Look.From, Look.To - Look.From, out var dram)
        ? new ReadOnlySpan<byte>(dram, (int)(Look.To - Look.From)) : Now;
}
