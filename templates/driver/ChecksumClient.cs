using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma;

namespace ApertureDriver;

/// <summary>The driver of one device. It knows registers and the DMA API; an IOMMU, a bounce buffer or nothing may stand between the device
/// and memory, here and on a real machine.</summary>
internal sealed class ChecksumClient(Device device, TimeProvider time) : IBoundDriver
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMicroseconds(10);
    private static readonly TimeSpan s_limit = TimeSpan.FromMilliseconds(100);

    private uint _status; // what the last interrupt told

    public uint Sum(ReadOnlySpan<byte> bytes)
    {
        var block = device.Dma.Memory.Allocate(bytes.Length);
        try
        {
            bytes.CopyTo(block.Span);
            using var mapping = device.Dma.Map(block, DmaDirection.ToDevice);
            return Sum(mapping.Address, bytes.Length);
        }
        finally
        {
            device.Dma.Memory.Free(block);
        }
    }

    public uint Sum(Iova address, int length)
    {
        using var power = device.Power.Hold(); // with its power domain and its IOMMU
        var registers = device.Registers[0];
        _status = 0;
        registers.Write32(ChecksumRegisters.Address, (uint)address.Value);
        registers.Write32(ChecksumRegisters.Length, (uint)length);
        registers.Write32(ChecksumRegisters.Start, 1);
        if (!time.WaitUntil(this, static client => client._status != 0, s_interval, s_limit))
            throw new ApertureException(Status.TimedOut, $"{device.Name} raised no interrupt");
        return (_status & ChecksumRegisters.Failed) == 0
            ? registers.Read32(ChecksumRegisters.Sum)
            : throw new ApertureException(Status.IoError, $"{device.Name} could not read {length} bytes at {address}");
    }

    public InterruptResult OnInterrupt()
    {
        var status = device.Registers[0].Read32(ChecksumRegisters.Status);
        if ((status & ChecksumRegisters.Done) == 0)
            return InterruptResult.None;
        device.Registers[0].Write32(ChecksumRegisters.Status, status);
        _status = status;
        return InterruptResult.Handled;
    }
}
