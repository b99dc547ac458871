using Aperture.Datasheets.Omap;

namespace Aperture.Hardware.Omap;

/// <summary>The registers as software sees them.</summary>
public sealed partial class OmapMmu
{
    private OmapSysConfig _sysConfig;   // idle modes: kept, without effect
    private uint _sysStatus;            // RESETDONE
    private int _resetReadsLeft;        // reads of SYSSTATUS that still see the reset going on
    private uint _irqStatus;            // pending faults; more than the five fault bits only by Poke
    private uint _irqEnable;            // which of them drive the line
    private OmapControl _control;       // CNTL
    private uint _faultAddress;         // FAULT_AD
    private uint _tableBase;            // TTB without its reserved bits
    private OmapLock _lock;
    private OmapCam _camStaging;        // CAM: what LD_TLB loads and FLUSH_ENTRY compares
    private OmapRam _ramStaging;        // RAM: what LD_TLB loads
    private uint _emuFaultAddress;      // EMU_FAULT_AD
    private uint _tableBaseMsb;         // TTB_MSB
    private uint _ramMsbStaging;        // RAM_MSB: what LD_TLB loads
    private uint _faultPc;              // FAULT_PC: zero unless Poke sets it, as a bus access carries no program counter
    private OmapFaultStatus _faultStatus; // FAULT_STATUS: the first fault since it was cleared
    private uint _gpReg;                // GP_REG or GPR

    private bool IsBusErrorBack => _options.GpRegister == OmapGpRegister.BusErrorBack && (_gpReg & 1) != 0;

    /// <inheritdoc/>
    protected override bool TryReadRegister(uint offset, int width, out ulong value)
    {
        value = 0;
        if (!IsRegisterAccess(offset, width))
            return false;
        if (Exists(offset))
            value = Read(offset);
        else if (_options.UnknownRegisters == OmapUnknownRegisters.BusError)
            return false;
        else if (_storage.Length != 0)
            value = _storage[offset / 4];
        return true;
    }

    /// <inheritdoc/>
    protected override bool TryWriteRegister(uint offset, int width, ulong value)
    {
        if (!IsRegisterAccess(offset, width))
            return false;
        if (Exists(offset))
            Write(offset, (uint)value);
        else if (_options.UnknownRegisters == OmapUnknownRegisters.BusError)
            return false;
        else if (_storage.Length != 0)
            _storage[offset / 4] = (uint)value;
        return true;
    }

    private static ulong ExistingRegisters(OmapMmuOptions options)
    {
        ulong exists = 0;
        for (var offset = OmapRegisters.Revision; offset <= OmapRegisters.BypassRegionLast && offset < options.WindowSize; offset += 4)
        {
            var there = offset switch
            {
                OmapRegisters.Revision => true,
                >= OmapRegisters.SysConfig and <= OmapRegisters.IrqEnable => true,
                >= OmapRegisters.WalkingStatus and <= OmapRegisters.ReadRam => true,
                OmapRegisters.EmuFaultAddress => options.HasEmuFaultAddress,
                >= OmapRegisters.TableBaseMsb and <= OmapRegisters.ReadRamMsb => options.HasMsbRegisters,
                OmapRegisters.FaultPc or OmapRegisters.FaultStatus => options.HasFaultStatus,
                OmapRegisters.GpReg => options.GpRegister != OmapGpRegister.None,
                >= OmapRegisters.BypassRegion => options.HasBypassRegions,
                _ => false,
            };
            if (there)
                exists |= 1UL << (int)(offset / 4);
        }

        return exists;
    }

    private bool IsRegisterAccess(uint offset, int width) => Answers && width == sizeof(uint) && offset < Size && offset % 4 == 0;

    private bool Exists(uint offset) => offset <= OmapRegisters.BypassRegionLast && (_exists >> (int)(offset / 4) & 1) != 0;

    private uint Read(uint offset) => offset switch
    {
        OmapRegisters.Revision => _revision,
        OmapRegisters.SysConfig => _sysConfig.Bits,
        OmapRegisters.SysStatus => ReadSysStatus(),
        OmapRegisters.IrqStatus => _irqStatus,
        OmapRegisters.IrqEnable => _irqEnable,
        OmapRegisters.Control => _control.Bits,
        OmapRegisters.FaultAddress => _faultAddress,
        OmapRegisters.TableBase => _tableBase,
        OmapRegisters.Lock => _lock.Bits,
        OmapRegisters.Cam => _camStaging.Bits,
        OmapRegisters.Ram => _ramStaging.Bits,
        OmapRegisters.ReadCam => SelectedEntry() is var index and >= 0 ? _cam[index].Bits : 0,
        OmapRegisters.ReadRam => SelectedEntry() is var index and >= 0 ? _ram[index].Bits : 0,
        OmapRegisters.EmuFaultAddress => _emuFaultAddress,
        OmapRegisters.TableBaseMsb => _tableBaseMsb,
        OmapRegisters.RamMsb => _ramMsbStaging,
        OmapRegisters.ReadRamMsb => SelectedEntry() is var index and >= 0 ? _ramMsb[index] : 0u,
        OmapRegisters.FaultPc => _faultPc,
        OmapRegisters.FaultStatus => _faultStatus.Bits,
        OmapRegisters.GpReg => _gpReg,
        >= OmapRegisters.BypassRegion => _bypassRegions[(offset - OmapRegisters.BypassRegion) / 4],
        _ => 0, // the triggers, and WALKING_ST: a walk is over before software can look
    };

    private void Write(uint offset, uint value)
    {
        switch (offset)
        {
            case OmapRegisters.SysConfig:
                WriteSysConfig(new OmapSysConfig(value));
                break;
            case OmapRegisters.IrqStatus:
                ClearStatus(value);
                break;
            case OmapRegisters.LoadTlb or OmapRegisters.GlobalFlush or OmapRegisters.FlushEntry:
                if ((value & 1) != 0)
                    Trigger(offset);
                break;
            case OmapRegisters.FaultStatus:
                _faultStatus = new OmapFaultStatus(_faultStatus.Bits & ~(value & OmapFaultStatus.Indication));
                break;
            default:
                Store(offset, value);
                break;
        }
    }

    private void Trigger(uint offset)
    {
        switch (offset)
        {
            case OmapRegisters.LoadTlb:
                LoadStagedEntry();
                break;
            case OmapRegisters.GlobalFlush:
                FlushAll();
                break;
            default:
                FlushMatching(_camStaging.Tag);
                break;
        }

        EndAccesses();
    }

    /// <summary>Writes a register that only holds a value. Read-only registers are left as they are.</summary>
    private void Store(uint offset, uint value)
    {
        switch (offset)
        {
            case OmapRegisters.IrqEnable:
                _irqEnable = value & (uint)OmapFault.All;
                UpdateInterrupt();
                break;
            case OmapRegisters.Control:
                _control = new OmapControl(value & OmapControl.Mask);
                UpdateMode();
                EndAccesses();
                break;
            case OmapRegisters.TableBase:
                _tableBase = value & 0xFFFFFF80;
                EndAccesses();
                break;
            case OmapRegisters.Lock:
                _lock = new OmapLock(value & OmapLock.Mask);
                break;
            case OmapRegisters.Cam:
                _camStaging = new OmapCam(value & OmapCam.Mask);
                break;
            case OmapRegisters.Ram:
                _ramStaging = new OmapRam(value & (OmapRam.AddressMask | _options.RamAttributeMask));
                break;
            case OmapRegisters.TableBaseMsb:
                _tableBaseMsb = value & 0xF;
                EndAccesses();
                break;
            case OmapRegisters.RamMsb:
                _ramMsbStaging = value & 0xF;
                break;
            case OmapRegisters.GpReg:
                _gpReg = value & (_options.GpRegister == OmapGpRegister.BusErrorBack ? 1 : 0xFFFF_0001);
                UpdateInterrupt();
                break;
            case >= OmapRegisters.BypassRegion:
                _bypassRegions[(offset - OmapRegisters.BypassRegion) / 4] = value & (offset % 8 == 0 ? 0xFFFF_0000 : 0xF);
                UpdateMode();
                EndAccesses();
                break;
        }
    }

    private uint ReadSysStatus()
    {
        if (_resetReadsLeft <= 0)
            return _sysStatus;
        _resetReadsLeft--;
        return 0;
    }

    private void WriteSysConfig(OmapSysConfig value)
    {
        if (value.IsSoftReset)
        {
            ResetRegisters();
            EndAccesses();
        }
        else
            _sysConfig = new OmapSysConfig(value.Bits & OmapSysConfig.StoredMask);
    }
}
