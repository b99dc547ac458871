using Aperture.Datasheets.Omap;
using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Omap;

/// <summary>The DSP_SYSTEM block of a DRA7 DSP, as far as it concerns its MMUs: SYS_MMU_CONFIG enables each.</summary>
/// <remarks>Any number of threads.</remarks>
public sealed class DspSystem : IMmioDevice
{
    private readonly OmapMmu?[] _mmus = new OmapMmu?[DspSystemRegisters.Mmus]; // MMU 0 (MDMA) and 1 (EDMA), as connected
    private uint _mmuConfig;                                                    // SYS_MMU_CONFIG

    /// <inheritdoc/>
    public uint Size { get; init; } = 0x100;

    /// <summary>SYS_REVISION. Not documented; 0 stands in.</summary>
    public uint Revision { get; init; }

    /// <summary>Whether a clear bit makes its MMU let addresses pass unchanged. Inferred: drivers set the bit before use.</summary>
    public bool GatesMmus { get; init; } = true;

    /// <summary>Connects an MMU to its enable bit.</summary>
    /// <param name="instance">0 for the MMU of the MDMA port, 1 for the EDMA port.</param>
    /// <param name="mmu">The MMU.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such instance.</exception>
    public void Connect(int instance, OmapMmu mmu)
    {
        ArgumentNullException.ThrowIfNull(mmu);
        ArgumentOutOfRangeException.ThrowIfNegative(instance);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(instance, _mmus.Length);
        _mmus[instance] = mmu;
        Drive(instance);
    }

    /// <summary>Sets the registers to their reset values: both MMUs off.</summary>
    public void Reset() => SetMmuConfig(0);

    /// <inheritdoc/>
    public bool TryRead(uint offset, int width, out ulong value)
    {
        value = offset switch
        {
            DspSystemRegisters.Revision => Revision,
            DspSystemRegisters.MmuConfig => Volatile.Read(ref _mmuConfig),
            _ => 0,
        };
        return width == sizeof(uint) && offset < Size && offset % 4 == 0;
    }

    /// <inheritdoc/>
    public bool TryWrite(uint offset, int width, ulong value)
    {
        if (width != sizeof(uint) || offset >= Size || offset % 4 != 0)
            return false;
        if (offset == DspSystemRegisters.MmuConfig)
            SetMmuConfig((uint)value & DspSystemRegisters.MmuConfigMask);
        return true;
    }

    private void SetMmuConfig(uint value)
    {
        Volatile.Write(ref _mmuConfig, value);
        for (var i = 0; i < _mmus.Length; i++)
            Drive(i);
    }

    /// <summary>Whether an MMU's bit is set.</summary>
    internal bool Enables(int instance) => (Volatile.Read(ref _mmuConfig) & DspSystemRegisters.EnableBit(instance)) != 0;

    private void Drive(int instance)
    {
        if (_mmus[instance] is { } mmu && GatesMmus)
            mmu.Follow(this, instance);
    }
}
