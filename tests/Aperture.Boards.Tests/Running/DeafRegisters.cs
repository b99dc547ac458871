using Aperture.Devices;

namespace Aperture.Boards.Tests.Running;

/// <summary>Registers of a unit that does not hear of invalidations: FLUSH_ENTRY and GFLUSH of an OMAP MMU, all the MMU_FLUSH registers
/// of a SysMMU version 7.</summary>
internal sealed class DeafRegisters(RegisterRegion inner) : RegisterRegion(inner.Name, inner.Size)
{
    public bool IsDeaf { get; set; }

    public override uint Read32(uint offset) => inner.Read32(offset);

    public override void Write32(uint offset, uint value)
    {
        var isOmap = inner.Size < 0x1000;
        if (IsDeaf && (isOmap ? offset is 0x60 or 0x64 : (offset & 0xfff) is >= 0x10 and <= 0x24))
            return;
        inner.Write32(offset, value);
    }

    public override ulong Read64(uint offset) => inner.Read64(offset);

    public override void Write64(uint offset, ulong value) => inner.Write64(offset, value);
}
