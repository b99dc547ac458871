using Aperture.Core;
using Aperture.Datasheets.Pci;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Pci;

/// <summary>Access control services of a function.</summary>
internal sealed class AcsCapability : PciCapability
{
    private readonly ConfigurationSpace _space;

    public AcsCapability(ConfigurationSpace space, AcsFlags services)
        : base(space.AddExtended(ExtendedCapabilityId.Acs, 1, AcsRegisters.Length), AcsRegisters.Length)
    {
        _space = space;
        space.Define16(Offset + AcsRegisters.Capabilities, (ushort)services);
        space.Define16(Offset + AcsRegisters.Control, 0, (ushort)services);
    }

    public AcsFlags InForce => (AcsFlags)_space.Get16(Offset + AcsRegisters.Control);

    public override ConfigurationEffects AfterWrite(in ConfigurationWrite write) => ConfigurationEffects.Routes;
}

/// <summary>Address translation services of a function.</summary>
internal sealed class AtsCapability : PciCapability
{
    private readonly ConfigurationSpace _space;
    private readonly Action _switched;
    private bool _wasEnabled;

    /// <summary>A capability.</summary>
    /// <param name="space">The function's configuration space.</param>
    /// <param name="switched">Hears that software switched it on or off.</param>
    public AtsCapability(ConfigurationSpace space, Action switched)
        : base(space.AddExtended(ExtendedCapabilityId.Ats, 1, AtsRegisters.Length), AtsRegisters.Length)
    {
        (_space, _switched) = (space, switched);
        space.Define16(Offset + AtsRegisters.Capabilities, AtsRegisters.PageAligned);
        space.Define16(Offset + AtsRegisters.Control, 0, AtsRegisters.Enable | AtsRegisters.UnitMask);
    }

    public bool IsEnabled => (_space.Get16(Offset + AtsRegisters.Control) & AtsRegisters.Enable) != 0;

    public override ConfigurationEffects AfterWrite(in ConfigurationWrite write)
    {
        if (IsEnabled != _wasEnabled)
            _switched();
        _wasEnabled = IsEnabled;
        return ConfigurationEffects.None;
    }

    public override void Reset() => _wasEnabled = false;
}

/// <summary>Page requests of a function. Who sends them says what becomes of them.</summary>
internal sealed class PriCapability : PciCapability
{
    private readonly ConfigurationSpace _space;
    private int _noted; // bits of the status that the function set since software looked
    private volatile bool _hasFailed;

    public PriCapability(ConfigurationSpace space, uint capacity)
        : base(space.AddExtended(ExtendedCapabilityId.Pri, 1, PriRegisters.Length), PriRegisters.Length)
    {
        _space = space;
        space.Define16(Offset + PriRegisters.Control, 0, PriRegisters.Enable);
        space.Define16(Offset + PriRegisters.Status, PriRegisters.Stopped, 0, PriRegisters.ResponseFailure | PriRegisters.UnexpectedIndex);
        space.Define32(Offset + PriRegisters.Capacity, capacity);
        space.Define32(Offset + PriRegisters.Allocation, 0, uint.MaxValue);
    }

    /// <summary>How many may be outstanding; 0 while it is off.</summary>
    public uint Limit => (_space.Get16(Offset + PriRegisters.Control) & PriRegisters.Enable) == 0 ? 0
        : Math.Min(_space.Get32(Offset + PriRegisters.Capacity), _space.Get32(Offset + PriRegisters.Allocation));

    /// <summary>Whether a request failed for good, and software has not taken note: the function may send none.</summary>
    public bool HasFailed => _hasFailed;

    /// <summary>The function sets bits of the status.</summary>
    public void Note(ushort bits)
    {
        Interlocked.Or(ref _noted, bits);
        if ((bits & PriRegisters.ResponseFailure) != 0)
            _hasFailed = true;
    }

    public override void BeforeRead() => _space.Set16(Offset + PriRegisters.Status, (ushort)Interlocked.Exchange(ref _noted, 0), true);

    public override void Reset()
    {
        _noted = 0;
        _hasFailed = false;
    }

    public override ConfigurationEffects AfterWrite(in ConfigurationWrite write)
    {
        if (write.Has(Offset + PriRegisters.Control, PriRegisters.Reset))
        {
            _noted = 0;
            _space.Set16(Offset + PriRegisters.Status, PriRegisters.ResponseFailure | PriRegisters.UnexpectedIndex, false);
        }

        if (_hasFailed)
            _hasFailed = ((_space.Get16(Offset + PriRegisters.Status) | Volatile.Read(ref _noted)) & PriRegisters.ResponseFailure) != 0;
        _space.Set16(Offset + PriRegisters.Status, PriRegisters.Stopped, Limit == 0);
        return ConfigurationEffects.None;
    }
}

/// <summary>Process address space ids of a function.</summary>
internal sealed class PasidCapability : PciCapability
{
    private readonly ConfigurationSpace _space;
    private readonly int _bits;

    public PasidCapability(ConfigurationSpace space, int bits)
        : base(space.AddExtended(ExtendedCapabilityId.Pasid, 1, PasidRegisters.Length), PasidRegisters.Length)
    {
        _space = space;
        _bits = bits;
        const ushort rights = PasidRegisters.Execute | PasidRegisters.Privileged;
        space.Define16(Offset + PasidRegisters.Capabilities, (ushort)(rights | bits << 8));
        space.Define16(Offset + PasidRegisters.Control, 0, PasidRegisters.Enable | rights);
    }

    /// <summary>Whether an access may say that.</summary>
    public bool Allows(Pasid pasid, AccessFlags flags)
    {
        var control = _space.Get16(Offset + PasidRegisters.Control);
        return (control & PasidRegisters.Enable) != 0 && pasid.Value >> _bits == 0
            && ((flags & AccessFlags.Instruction) == 0 || (control & PasidRegisters.Execute) != 0)
            && ((flags & AccessFlags.Privileged) == 0 || (control & PasidRegisters.Privileged) != 0);
    }

    public override ConfigurationEffects AfterWrite(in ConfigurationWrite write) => ConfigurationEffects.None;
}
