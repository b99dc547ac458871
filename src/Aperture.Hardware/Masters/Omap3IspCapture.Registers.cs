using Aperture.Datasheets.Omap3Isp;

namespace Aperture.Hardware.Masters;

/// <summary>The registers as software sees them.</summary>
public sealed partial class Omap3IspCapture
{
    private readonly uint[] _kept = new uint[Omap3IspRegisters.Size / 4]; // registers that only keep what was written
    private uint _sysConfig;                // idle modes: kept, without effect
    private Omap3IspInterrupts _irqEnable;
    private Omap3IspInterrupts _irqStatus;
    private uint _irq1Enable;               // the IVA's interrupts: kept; no line goes there
    private uint _sblPcr;                   // overflow flags
    private bool _enabled;                  // CCDC_PCR.ENABLE: whether the next frame is taken

    private Omap3IspControl IspControl => new(Kept(Omap3IspRegisters.Control));

    /// <inheritdoc/>
    public override bool TryRead(uint offset, int width, out ulong value)
    {
        value = 0;
        if (!Answers || width != 4 || offset % 4 != 0 || offset >= Size)
            return false;
        value = offset switch
        {
            Omap3IspRegisters.Revision => Omap3IspRegisters.RevisionValue,
            Omap3IspRegisters.SysConfig => _sysConfig,
            Omap3IspRegisters.SysStatus => Omap3IspRegisters.ResetDone,
            Omap3IspRegisters.Irq0Enable => (uint)_irqEnable,
            Omap3IspRegisters.Irq0Status => (uint)_irqStatus,
            Omap3IspRegisters.Irq1Enable => _irq1Enable,
            Omap3IspRegisters.SblPcr => _sblPcr,
            CcdcRegisters.Pcr => (_enabled ? CcdcRegisters.PcrEnable : 0) | (_capturing ? CcdcRegisters.PcrBusy : 0),
            _ => Kept(offset),
        };
        return true;
    }

    /// <inheritdoc/>
    public override bool TryWrite(uint offset, int width, ulong value)
    {
        if (!Answers || width != 4 || offset % 4 != 0 || offset >= Size)
            return false;
        Write(offset, (uint)value);
        return true;
    }

    /// <inheritdoc/>
    protected override void Reset()
    {
        Array.Clear(_kept);
        _sysConfig = _irq1Enable = _sblPcr = 0;
        _irqEnable = _irqStatus = Omap3IspInterrupts.None;
        _enabled = _capturing = false;
        UpdateInterrupt();
    }

    private static bool IsKept(uint offset) =>
        offset is (>= Omap3IspRegisters.TimingFirst and <= Omap3IspRegisters.TimingLast) or (> CcdcRegisters.Pcr and <= CcdcRegisters.Last);

    private uint Kept(uint offset) => _kept[offset / 4];

    private void Write(uint offset, uint value)
    {
        switch (offset)
        {
            case Omap3IspRegisters.SysConfig when (value & Omap3IspRegisters.SoftReset) != 0:
                Reset();
                break;
            case Omap3IspRegisters.SysConfig:
                _sysConfig = value & 0x3001;
                break;
            case Omap3IspRegisters.Irq0Enable:
                _irqEnable = (Omap3IspInterrupts)value;
                UpdateInterrupt();
                break;
            case Omap3IspRegisters.Irq0Status:
                _irqStatus &= ~(Omap3IspInterrupts)value;
                UpdateInterrupt();
                break;
            case Omap3IspRegisters.Irq1Enable:
                _irq1Enable = value;
                break;
            case Omap3IspRegisters.SblPcr:
                _sblPcr &= ~value;
                break;
            case CcdcRegisters.Pcr:
                _enabled = (value & CcdcRegisters.PcrEnable) != 0;
                break;
            default:
                if (IsKept(offset))
                    _kept[offset / 4] = value;
                break;
        }
    }

    private void Raise(Omap3IspInterrupts interrupts)
    {
        _irqStatus |= interrupts;
        UpdateInterrupt();
    }

    private void UpdateInterrupt() => Interrupt.Set((_irqStatus & _irqEnable) != 0);
}
