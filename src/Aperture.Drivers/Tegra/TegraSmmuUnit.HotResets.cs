using Aperture.Core;
using Aperture.Datasheets.Tegra;

namespace Aperture.Drivers.Tegra;

/// <summary>Hot resets.</summary>
public sealed partial class TegraSmmuUnit
{
    /// <summary>How often a hot reset's status is read before the driver gives up.</summary>
    public const int DrainPolls = 1000;

    private readonly uint[] _hotResets = new uint[2]; // the control registers as they have to be, by bank

    private int HotResetBanks => Soc.IsWide ? 2 : 1;

    /// <summary>Holds the clients of a block back, and waits until none of their accesses is under way; or lets them go.</summary>
    /// <exception cref="ApertureException"><see cref="Status.TimedOut"/>: accesses do not end. They are held back from then on all the
    /// same.</exception>
    internal void SetHotReset(in TegraHotReset reset, bool isHeld)
    {
        using (Registers.Hold())
        {
            ref var word = ref _hotResets[reset.Bank];
            word = isHeld ? word | reset.Mask : word & ~reset.Mask;
            if (!CanAccess)
                return; // it takes effect with the next resume, before anybody can make an access
            _registers.Write32(HotResetControl(reset.Bank), word);
            for (var poll = 0; isHeld && (_registers.Read32(HotResetStatus(reset.Bank)) & reset.Mask) == 0; poll++)
            {
                if (poll == DrainPolls)
                    throw new ApertureException(Status.TimedOut, $"{Name}: the accesses of {reset.Name} do not end");
            }
        }
    }

    private static uint HotResetControl(int bank) => bank == 0 ? TegraMcRegister.HotResetControl : TegraMcRegister.HotResetControl1;

    private static uint HotResetStatus(int bank) => bank == 0 ? TegraMcRegister.HotResetStatus : TegraMcRegister.HotResetStatus1;
}
