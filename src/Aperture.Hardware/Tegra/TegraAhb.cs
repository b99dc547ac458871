using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Tegra;

/// <summary>The AHB arbiter, as far as the SMMU is concerned: until software says that the SMMU is set up, masters on the AHB pass it by.
/// All other registers are storage.</summary>
/// <remarks>Any number of threads.</remarks>
public sealed class TegraAhb : BusDevice
{
    private readonly uint[] _words; // the registers
    private readonly TegraSmmu _smmu; // whose masters it arbitrates

    /// <summary>An arbiter after reset.</summary>
    /// <param name="smmu">The SMMU.</param>
    /// <param name="size">Bytes of registers; a multiple of 4.</param>
    public TegraAhb(TegraSmmu smmu, uint size)
    {
        ArgumentNullException.ThrowIfNull(smmu);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(size, TegraAhbRegister.CrossbarControl);
        _smmu = smmu;
        _words = new uint[size / sizeof(uint)];
        Reset();
    }

    /// <summary>Whether software said that the SMMU is set up.</summary>
    internal bool IsReady =>
        (Volatile.Read(ref _words[TegraAhbRegister.CrossbarControl / sizeof(uint)]) & TegraAhbRegister.SmmuInitDone) != 0;

    /// <inheritdoc/>
    public override uint Size => (uint)_words.Length * sizeof(uint);

    /// <inheritdoc/>
    public override bool TryRead(uint offset, int width, out ulong value)
    {
        var isAnswered = IsAccess(offset, width);
        value = isAnswered ? Volatile.Read(ref _words[offset / sizeof(uint)]) : 0;
        return isAnswered;
    }

    /// <inheritdoc/>
    public override bool TryWrite(uint offset, int width, ulong value)
    {
        if (!IsAccess(offset, width))
            return false;
        Volatile.Write(ref _words[offset / sizeof(uint)], (uint)value);
        _smmu.Follow(this);
        return true;
    }

    /// <inheritdoc/>
    protected override void Reset()
    {
        Array.Clear(_words);
        _smmu.Follow(this);
    }

    private bool IsAccess(uint offset, int width) => Answers && width == sizeof(uint) && offset < Size && offset % sizeof(uint) == 0;
}
