using Aperture.Datasheets.Tegra;

namespace Aperture.Hardware.Tegra;

/// <content>Hot resets: the clients of a block are stalled, and a status bit says when none of their accesses is under way.</content>
public sealed partial class TegraSmmu
{
    private int _pollsLeft; // reads of a status register that still answer "not drained"; negative: for ever

    /// <summary>Reads of a hot-reset status register that still answer "not drained" after the next request; negative: for ever.</summary>
    public int DrainDelayPolls { get; set; }

    private bool IsInHotReset(uint swgroup)
    {
        var (bank0, bank1) = (this[TegraMcRegister.HotResetControl], this[TegraMcRegister.HotResetControl1]);
        if ((bank0 | bank1) == 0)
            return false;
        foreach (var reset in _soc.HotResets)
        {
            if (reset.Swgroup == swgroup && swgroup != 0 && ((reset.Bank == 0 ? bank0 : bank1) & reset.Mask) != 0)
                return true;
        }

        return false;
    }

    private void WriteHotReset(uint offset, uint value)
    {
        if ((value & ~this[offset]) != 0)
            _pollsLeft = DrainDelayPolls;
        this[offset] = value;
        Refresh();
    }

    private uint ReadHotResetStatus(uint control)
    {
        if (_pollsLeft == 0)
            return this[control];
        if (_pollsLeft > 0)
            _pollsLeft--;
        return 0;
    }
}
