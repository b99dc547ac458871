using Aperture.Devices;
using Aperture.Hardware.Bus;

namespace Aperture.Drivers.Tests.Machine;

/// <summary>A block's registers as a driver reaches them, without a bus between.</summary>
public sealed class BusRegisterRegion(string name, IMmioDevice block) : RegisterRegion(name, block.Size)
{
    public override uint Read32(uint offset) => (uint)Read(offset, 4);

    public override void Write32(uint offset, uint value) => Write(offset, 4, value);

    public override ulong Read64(uint offset) => Read(offset, 8);

    public override void Write64(uint offset, ulong value) => Write(offset, 8, value);

    private ulong Read(uint offset, int width) =>
        block.TryRead(offset, width, out var value) ? value : throw new BusErrorException(Name, offset, isWrite: false);

    private void Write(uint offset, int width, ulong value)
    {
        if (!block.TryWrite(offset, width, value))
            throw new BusErrorException(Name, offset, isWrite: true);
    }
}
