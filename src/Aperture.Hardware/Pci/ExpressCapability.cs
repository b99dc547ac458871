using Aperture.Datasheets.Pci;

namespace Aperture.Hardware.Pci;

/// <summary>PCI Express of a function.</summary>
internal sealed class ExpressCapability : PciCapability
{
    private const ushort ControlBits = 0x7FFF; // all but what resets

    private readonly ConfigurationSpace _space;
    private readonly bool _canReset;

    public ExpressCapability(ConfigurationSpace space, ExpressPort kind, bool canReset)
        : base(space.AddCapability(CapabilityId.Express, ExpressRegisters.Length), ExpressRegisters.Length)
    {
        _space = space;
        Kind = kind;
        _canReset = canReset && kind is ExpressPort.Endpoint or ExpressPort.LegacyEndpoint or ExpressPort.IntegratedEndpoint;
        var capabilities = (ushort)(ExpressRegisters.Version | (int)kind << 4);
        space.Define16(Offset + ExpressRegisters.Capabilities, capabilities);
        space.Define32(Offset + ExpressRegisters.DeviceCapabilities,
            ExpressRegisters.RoleBasedErrors | (_canReset ? ExpressRegisters.CanReset : 0));
        space.Define16(Offset + ExpressRegisters.DeviceControl, 0, ControlBits);
        if (kind is ExpressPort.RootPort or ExpressPort.DownstreamPort)
        {
            space.Define32(Offset + ExpressRegisters.DeviceCapabilities2, ExpressRegisters.CanForwardAri);
            space.Define16(Offset + ExpressRegisters.DeviceControl2, 0, ExpressRegisters.ForwardAri);
            space.Define32(Offset + ExpressRegisters.LinkCapabilities, ExpressRegisters.ReportsLink);
        }
    }

    public ExpressPort Kind { get; }

    public bool HasSlot { get; private set; }

    /// <summary>Whether a port passes on what has no device number.</summary>
    public bool ForwardsAri => (_space.Get16(Offset + ExpressRegisters.DeviceControl2) & ExpressRegisters.ForwardAri) != 0;

    /// <summary>The port has a slot.</summary>
    public void AddSlot()
    {
        var capabilities = (ushort)(_space.Get16(Offset + ExpressRegisters.Capabilities) | ExpressRegisters.HasSlot);
        _space.Define16(Offset + ExpressRegisters.Capabilities, capabilities);
        _space.Define32(Offset + ExpressRegisters.SlotCapabilities, ExpressRegisters.HotPlugCapable | ExpressRegisters.HotPlugSurprise);
        _space.Define16(
            Offset + ExpressRegisters.SlotControl, 0, ExpressRegisters.PresenceChangeEnable | ExpressRegisters.HotPlugInterrupt);
        _space.Define16(Offset + ExpressRegisters.SlotStatus, 0, 0, ExpressRegisters.PresenceChanged);
        HasSlot = true;
    }

    public override ConfigurationEffects AfterWrite(in ConfigurationWrite write) =>
        _canReset && write.Has(Offset + ExpressRegisters.DeviceControl, ExpressRegisters.InitiateReset)
            ? ConfigurationEffects.Reset | ConfigurationEffects.Routes
            : ConfigurationEffects.None;

    /// <summary>Something is in the slot, or nothing any more.</summary>
    /// <returns>Whether software wants an interrupt for that.</returns>
    public bool SetPresence(bool isPresent, bool isChange)
    {
        _space.Set16(Offset + ExpressRegisters.LinkStatus, ExpressRegisters.LinkActive, isPresent);
        if (!HasSlot)
            return false;
        _space.Set16(Offset + ExpressRegisters.SlotStatus, ExpressRegisters.Present, isPresent);
        if (isChange)
            _space.Set16(Offset + ExpressRegisters.SlotStatus, ExpressRegisters.PresenceChanged, true);
        const ushort wanted = ExpressRegisters.PresenceChangeEnable | ExpressRegisters.HotPlugInterrupt;
        return isChange && (_space.Get16(Offset + ExpressRegisters.SlotControl) & wanted) == wanted;
    }
}
