using Aperture.Datasheets.Pci;

namespace Aperture.Hardware.Pci;

/// <summary>Power management of a function: D0 and D3hot.</summary>
internal sealed class PowerCapability : PciCapability
{
    private readonly ConfigurationSpace _space;
    private readonly bool _keepsState;
    private int _state; // the last one that it went to

    public PowerCapability(ConfigurationSpace space, bool keepsState)
        : base(space.AddCapability(CapabilityId.PowerManagement, PowerManagement.Length), PowerManagement.Length)
    {
        _space = space;
        _keepsState = keepsState;
        space.Define16(Offset + PowerManagement.Capabilities, PowerManagement.Version);
        space.Define16(Offset + PowerManagement.Control, (ushort)(keepsState ? PowerManagement.NoSoftReset : 0), PowerManagement.StateMask);
    }

    /// <summary>0 for D0, 3 for D3hot.</summary>
    public int State => Volatile.Read(ref _state);

    public override ConfigurationEffects AfterWrite(in ConfigurationWrite write)
    {
        var asked = _space.Get16(Offset + PowerManagement.Control) & PowerManagement.StateMask;
        var before = _state;
        if (asked is not (0 or PowerManagement.D3Hot))
        {
            // A state that the function does not have: nothing changes (specification, 3.2.4).
            var control = _space.Get16(Offset + PowerManagement.Control) & ~PowerManagement.StateMask;
            _space.Set16(Offset + PowerManagement.Control, (ushort)(control | before));
            return ConfigurationEffects.None;
        }

        Volatile.Write(ref _state, asked);
        var isReset = before == PowerManagement.D3Hot && asked == 0 && !_keepsState;
        return ConfigurationEffects.Routes | (isReset ? ConfigurationEffects.Reset : ConfigurationEffects.None);
    }

    public override void Reset() => Volatile.Write(ref _state, 0);
}
