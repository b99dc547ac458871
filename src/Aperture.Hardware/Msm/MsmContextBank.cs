using Aperture.Datasheets.Arm;
using Aperture.Datasheets.Msm;

namespace Aperture.Hardware.Msm;

/// <summary>A context bank: its registers, what follows from them, and the access that it holds.</summary>
/// <param name="number">Its number.</param>
/// <param name="machines">The numbers under which the TLB knows VMIDs (<see cref="Aperture.Hardware.Translation.TlbTagTable"/>).</param>
internal sealed class MsmContextBank(int number, uint[] machines)
{
    private readonly uint[] _words = new uint[MsmContextRegisters.Stride / sizeof(uint)];
    private uint _tag;
    private bool _isTranslating;

    public int Number => number;

    /// <summary>CBACR.</summary>
    public MsmContextAttributes Attributes { get; set; }

    /// <summary>The number of VMID and ASID, with which the TLB tags entries.</summary>
    public uint Tag => _tag;

    /// <summary>Whether accesses are translated and none is held: a TLB hit needs no further look.</summary>
    public bool IsTranslating => Volatile.Read(ref _isTranslating);

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
    public bool Interrupts => (Auxiliary.Bits & MsmAuxiliaryControl.FaultInterruptBit) != 0
        && (Fault & ~(MsmFault.SecondLevel | MsmFault.Stalled)) != 0;

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

    /// <summary>Follows what registers say. Accesses look meanwhile: a bank that stops translating says so before its tag becomes
    /// another.</summary>
    public void Refresh()
    {
        var isTranslating = IsEnabled && !IsHeld;
        if (!isTranslating)
            Volatile.Write(ref _isTranslating, false);
        Volatile.Write(ref _tag, machines[Vmid] | (this[MsmContextRegisters.ContextId] & 0xFF));
        if (isTranslating)
            Volatile.Write(ref _isTranslating, true);
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
