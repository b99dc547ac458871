using System.Numerics;
using Aperture.Core;
using Aperture.Datasheets.Pci;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Pci;

/// <summary>MSI of a function, with 64 address bits and a mask for each vector.</summary>
internal sealed class MsiCapability : PciCapability
{
    private readonly ConfigurationSpace _space;
    private readonly MsiSource[] _sources;
    private volatile int _enabled; // vectors that software uses; 0 while it is off

    public MsiCapability(ConfigurationSpace space, DmaPort port, int vectors)
        : base(space.AddCapability(CapabilityId.Msi, MsiRegisters.Length), MsiRegisters.Length)
    {
        _space = space;
        _sources = [.. Enumerable.Range(0, vectors).Select(_ => new MsiSource(port))];
        var control = (ushort)((BitOperations.Log2((uint)vectors) << 1) | MsiControl.Wide | MsiControl.PerVectorMask);
        space.Define16(Offset + MsiRegisters.Control, control, MsiControl.Enable | MsiControl.EnabledMask);
        space.Define32(Offset + MsiRegisters.Address, 0, ~3u);
        space.Define32(Offset + MsiRegisters.UpperAddress, 0, ~0u);
        space.Define16(Offset + MsiRegisters.Data, 0, ushort.MaxValue);
        space.Define32(Offset + MsiRegisters.Mask, 0, (uint)((1ul << vectors) - 1));
        space.Define32(Offset + MsiRegisters.Pending, 0);
    }

    public IReadOnlyList<MsiSource> Sources => _sources;

    public bool IsEnabled => _enabled > 0;

    public void Raise(int vector)
    {
        if (_enabled is > 0 and var enabled)
            _sources[vector & (enabled - 1)].Raise(); // software that gives few vectors has the function share them
    }

    public override void BeforeRead()
    {
        uint pending = 0;
        for (var vector = 0; vector < _sources.Length; vector++)
        {
            if (_sources[vector].IsPending)
                pending |= 1u << vector;
        }

        _space.Set32(Offset + MsiRegisters.Pending, pending);
    }

    public override ConfigurationEffects AfterWrite(in ConfigurationWrite write)
    {
        var control = new MsiControl(_space.Get16(Offset + MsiRegisters.Control));
        var enabled = control.IsEnabled ? Math.Min(control.EnabledVectors, _sources.Length) : 0;
        var address = _space.Get32(Offset + MsiRegisters.Address) | ((ulong)_space.Get32(Offset + MsiRegisters.UpperAddress) << 32);
        var data = _space.Get16(Offset + MsiRegisters.Data);
        var masks = _space.Get32(Offset + MsiRegisters.Mask);
        if (enabled == 0 && _enabled > 0)
            Reset();
        _enabled = enabled;
        for (var vector = 0; vector < _sources.Length; vector++)
        {
            _sources[vector].Configure(new Iova(address), (uint)((data & ~(Math.Max(enabled, 1) - 1)) | vector));
            _sources[vector].SetMask(vector >= enabled || (masks & (1u << vector)) != 0);
        }

        return ConfigurationEffects.None;
    }

    public override void Reset()
    {
        _enabled = 0;
        foreach (var source in _sources)
            source.Reset();
    }
}
