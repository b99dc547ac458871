using Aperture.Dma;
using Aperture.Dma.Memory;

namespace Aperture.Drivers.Nvme;

/// <summary>A buffer of the driver's own that stays mapped, for memory that no device reaches or that shares cache lines. The CPU has it
/// except while a command uses it.</summary>
internal sealed class NvmeBounce
{
    private readonly NoncoherentBuffer _buffer;

    public NvmeBounce(DmaContext dma, int bytes)
    {
        _buffer = dma.AllocatePages(bytes, DmaDirection.Bidirectional);
        _buffer.Mapping.SyncForCpu();
    }

    /// <summary>The next free one.</summary>
    public NvmeBounce? Next;

    /// <summary>Where the device finds it.</summary>
    public ulong Address => _buffer.Mapping.Address.Value;

    /// <summary>Some of its bytes, from the first on; the CPU's.</summary>
    public Span<byte> Bytes(int length) => _buffer.Memory.Slice(0, length).Span;

    /// <summary>Gives bytes to the device.</summary>
    public void Give(int length) => _buffer.Mapping.SyncForDevice(0, (ulong)length);

    /// <summary>Takes them back.</summary>
    public void Take(int length) => _buffer.Mapping.SyncForCpu(0, (ulong)length);

    /// <summary>Gives the memory back.</summary>
    public void Free() => _buffer.Dispose();
}
