using Aperture.Hardware.Bus;

namespace Aperture.ModelGuests;

/// <summary>The registers of a unit that ignores flushes.</summary>
internal sealed class DefectiveRegisters(IMmioDevice unit, Func<uint, uint, bool> isFlush) : IMmioDevice
{
    public uint Size => unit.Size;

    public bool TryRead(uint offset, int width, out ulong value) => unit.TryRead(offset, width, out value);

    public bool TryWrite(uint offset, int width, ulong value) => isFlush(offset, (uint)value) || unit.TryWrite(offset, width, value);
}
