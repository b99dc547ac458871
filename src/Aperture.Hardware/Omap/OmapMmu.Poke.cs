using Aperture.Datasheets.Omap;

namespace Aperture.Hardware.Omap;

/// <summary>State set from outside, as the hardware would change it by itself: for replays of recorded traffic and for tests.</summary>
public sealed partial class OmapMmu
{
    /// <summary>Sets what a register reads, read-only ones included, with the consequences for the interrupt line. Triggers and
    /// READ_CAM/READ_RAM are not state and are ignored. Works whether or not the unit answers.</summary>
    /// <param name="offset">Byte offset of the register.</param>
    /// <param name="value">The value; IRQSTATUS, FAULT_AD and other read-only registers take all 32 bits, the others what
    /// software could write. A fault bit of IRQSTATUS that is set here stalls no access; one that is cleared here releases
    /// as if software had cleared it.</param>
    public void Poke(uint offset, uint value)
    {
        using (HoldRegisters())
        {
            PokeRegister(offset, value);
            EndAccesses();
        }
    }

    private void PokeRegister(uint offset, uint value)
    {
        if (!Exists(offset))
        {
            if (offset / 4 < _storage.Length)
                _storage[offset / 4] = value;
            return;
        }

        switch (offset)
        {
            case OmapRegisters.Revision:
                _revision = value;
                break;
            case OmapRegisters.SysConfig:
                _sysConfig = new OmapSysConfig(value);
                break;
            case OmapRegisters.SysStatus:
                _sysStatus = value;
                _resetReadsLeft = 0;
                break;
            case OmapRegisters.IrqStatus:
                ClearStatus(~value);
                _irqStatus = value;
                UpdateInterrupt();
                break;
            case OmapRegisters.FaultAddress:
                _faultAddress = value;
                break;
            case OmapRegisters.EmuFaultAddress:
                _emuFaultAddress = value;
                break;
            case OmapRegisters.FaultPc:
                _faultPc = value;
                break;
            case OmapRegisters.FaultStatus:
                _faultStatus = new OmapFaultStatus(value);
                break;
            default:
                Store(offset, value);
                break;
        }
    }

    /// <summary>Puts an entry into the TLB, as a walk would.</summary>
    /// <param name="index">The entry, 0 to <see cref="CacheEntries"/>-1.</param>
    /// <param name="cam">Its CAM word; with V = 0 the entry becomes invalid.</param>
    /// <param name="ram">Its RAM word.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such entry.</exception>
    public void SetEntry(int index, uint cam, uint ram)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, CacheEntries);
        using (HoldRegisters())
        {
            EndAccesses();
            Fill(index, new OmapCam(cam & OmapCam.Mask), new OmapRam(ram & (OmapRam.AddressMask | _options.RamAttributeMask)), 0);
        }
    }
}
