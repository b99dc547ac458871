using Aperture.Devices;
using Aperture.Hardware.Bus;

namespace Aperture.Conformance.Drivers;

/// <summary>The registers of a model, straight: units of a recording need not lie at addresses that fit one machine.</summary>
internal sealed class ModelRegisters(string name, IMmioDevice device) : RegisterRegion(name, device.Size)
{
    /// <inheritdoc/>
    public override uint Read32(uint offset) => (uint)Read(offset, sizeof(uint));

    /// <inheritdoc/>
    public override void Write32(uint offset, uint value) => Write(offset, sizeof(uint), value);

    /// <inheritdoc/>
    public override ulong Read64(uint offset) => Read(offset, sizeof(ulong));

    /// <inheritdoc/>
    public override void Write64(uint offset, ulong value) => Write(offset, sizeof(ulong), value);

    private ulong Read(uint offset, int width) =>
        device.TryRead(offset, width, out var value) ? value : throw new BusErrorException(Name, offset, isWrite: false);

    private void Write(uint offset, int width, ulong value)
    {
        if (!device.TryWrite(offset, width, value))
            throw new BusErrorException(Name, offset, isWrite: true);
    }
}
