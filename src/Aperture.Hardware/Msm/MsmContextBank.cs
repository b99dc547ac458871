using Aperture.Datasheets.Arm;
using Aperture.Datasheets.Msm;

namespace Aperture.Hardware.Msm;

/// <summary>A context bank: its registers, what follows from them, and the access that it holds.</summary>
internal sealed class MsmContextBank(int number)
{
    private readonly uint[] _words = new uint[MsmContextRegisters.Stride / sizeof(uint)];

    public int Number => number;

    /// <summary>CBACR.</summary>
    public MsmContextAttributes Attributes { get; set; }

    /// <summary>VMID and ASID, with which the TLB tags entries.</summary>
    public uint Tag { get; private set; }

    /// <summary>Whether accesses are translated and none is held: a TLB hit needs no further look.</summary>
    public bool IsTranslating { get; private set; }

    /// <summary>Whether a faulting access stalls the bank.</summary>
    public bool IsHeld { get; private set; }

    /// <summary>Whether the last access that was held had to end.</summary>
    public bool IsTerminated { get; private set; }

    public bool IsEnabled => (this[MsmContextRegisters.SystemControl] & MsmSystemControl.EnableBit) != 0;

    public MsmAuxiliaryControl Auxiliary => new(this[MsmContextRegisters.AuxiliaryControl]);

    public ArmTableControl TableControl => new(this[MsmContextRegisters.TableControl]);

    public ArmMemoryRemap Remap => new(this[MsmContextRegisters.PrimaryRemap], this[MsmContextRegisters.NormalRemap]);

    public MsmTlbLock Lock => new(this[MsmContextRegisters.TlbLock]);

    public MsmFault Fault
    {
        get => (MsmFault)this[MsmContextRegisters.FaultStatus];
        set => this[MsmContextRegisters.FaultStatus] = (uint)value;
    }

    public uint Vmid => Attributes.Vmid;

    /// <summary>Whether the bank asks for its interrupt.</summary>
    public bool Interrupts => (Auxiliary.Bits & MsmAuxiliaryControl.FaultInterruptBit) != 0 && (Fault & ~(MsmFault.SecondLevel | MsmFault.Stalled)) != 0;

    /// <summary>A register below 0x1000.</summary>
    public uint this[uint offset]
    {
        get => _words[offset / sizeof(uint)];
        set => _words[offset / sizeof(uint)] = value;
    }

    public bool Has(uint systemControlBit) => (this[MsmContextRegisters.SystemControl] & systemControlBit) != 0;

    public void Hold()
    {
        IsHeld = true;
        IsTerminated = false;
        Fault |= MsmFault.Stalled;
        Refresh();
    }

    public void Release(bool terminates)
    {
        if (!IsHeld)
            return;
        IsHeld = false;
        IsTerminated = terminates;
        Fault &= ~MsmFault.Stalled;
        Refresh();
    }

    /// <summary>Follows what registers say.</summary>
    public void Refresh()
    {
        Tag = (Vmid << 8) | (this[MsmContextRegisters.ContextId] & 0xFF);
        IsTranslating = IsEnabled && !IsHeld;
    }

    public void Reset()
    {
        Array.Clear(_words);
        Attributes = default;
        IsHeld = false;
        IsTerminated = true; // an access that was held is lost
        Refresh();
    }
}
