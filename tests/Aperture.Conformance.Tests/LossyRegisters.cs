using Aperture.Devices;

namespace Aperture.Conformance.Tests;

/// <summary>Registers of which one loses what is written to it.</summary>
internal sealed class LossyRegisters(RegisterRegion registers, uint lost) : RegisterRegion(registers.Name, registers.Size)
{
    public override uint Read32(uint offset) => registers.Read32(offset);

    public override void Write32(uint offset, uint value)
    {
        if (offset != lost)
            registers.Write32(offset, value);
    }

    public override ulong Read64(uint offset) => registers.Read64(offset);

    public override void Write64(uint offset, ulong value) => registers.Write64(offset, value);
}
