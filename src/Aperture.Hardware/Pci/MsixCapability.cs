using Aperture.Datasheets.Pci;

namespace Aperture.Hardware.Pci;

/// <summary>MSI-X of a function, as configuration space has it.</summary>
internal sealed class MsixCapability : PciCapability
{
    private readonly ConfigurationSpace _space;

    public MsixCapability(ConfigurationSpace space, MsixTable table, int bar)
        : base(space.AddCapability(CapabilityId.Msix, MsixRegisters.Length), MsixRegisters.Length)
    {
        _space = space;
        Table = table;
        var control = (ushort)(table.Sources.Count - 1);
        space.Define16(Offset + MsixRegisters.Control, control, MsixControl.Enable | MsixControl.MaskAll);
        space.Define32(Offset + MsixRegisters.Table, (uint)bar);
        space.Define32(Offset + MsixRegisters.Pending, table.PendingOffset | (uint)bar);
    }

    public MsixTable Table { get; }

    public MsixControl Control => new(_space.Get16(Offset + MsixRegisters.Control));

    public override ConfigurationEffects AfterWrite(in ConfigurationWrite write)
    {
        Table.Switch(Control.IsEnabled, Control.IsMasked);
        return ConfigurationEffects.None;
    }

    public override void Reset() => Table.Reset();
}
