using Aperture.Conformance.Models;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;
using Aperture.Pocket.Tests.Hardware;

namespace Aperture.Pocket.Tests.Conform;

/// <summary>How recordings of Pocket MMUs are replayed on the model.</summary>
internal sealed class PocketModelFamily : ModelFamily
{
    public override string Driver => "pocket";

    public override int FirstLevelBytes => 0x1000;

    public override TranslationUnit Create(SystemBus bus, UnitFacts facts) => new PocketMmu(bus);

    public override object Kind(UnitFacts facts) => Driver;

    public override void Poke(TranslationUnit unit, uint offset, uint value) => ((PocketMmu)unit).Poke(offset, value);

    public override bool IsTableBase(TranslationUnit unit, uint offset, uint value, out ulong table)
    {
        table = value;
        return offset == PocketRegister.Root;
    }

    public override void Start(TranslationUnit unit, ulong table)
    {
        Write(unit, PocketRegister.Root, table);
        Write(unit, PocketRegister.Control, PocketRegister.Enable);
    }

    public override ulong FaultAddress(TranslationUnit unit, DmaAccess access) => Read(unit, PocketRegister.FaultAddress);
}
