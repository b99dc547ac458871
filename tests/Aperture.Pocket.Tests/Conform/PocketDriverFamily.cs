using Aperture.Conformance.Drivers;
using Aperture.Conformance.Models;
using Aperture.Core.PageTables;
using Aperture.Devices;
using Aperture.Hardware.Translation;
using Aperture.Iommu;
using Aperture.Pocket.Tests.Hardware;
using Aperture.Pocket.Tests.Software;

namespace Aperture.Pocket.Tests.Conform;

/// <summary>How recordings of drivers of Pocket MMUs are replayed on ours.</summary>
internal class PocketDriverFamily : DriverFamily
{
    public override ModelFamily Models { get; } = new PocketModelFamily();

    public override bool AttachHoldsPower => true;

    public override int LargestPageShift => 22;

    public override IDriver CreateDriver(IommuCore core, Func<string, UnitFacts> facts) => new PocketDriver(core);

    public override IPageTableFormat Format(IommuDomain domain, ulong? zeroTable) => default(PocketFormat);

    public override ulong Root(IommuDomain domain) => ((PagingDomain<PocketFormat>)domain).Table.Root.Value;

    public override IEnumerable<ControlRegister> Controls(TranslationUnit model) =>
    [
        new("CONTROL", PocketRegister.Control, uint.MaxValue),
        new("ROOT", PocketRegister.Root, uint.MaxValue, OnlyWhileTranslating: true, IsTableBase: true),
    ];

    public override bool IsTranslating(Func<uint, uint> read) => (read(PocketRegister.Control) & PocketRegister.Enable) != 0;

    public override IEnumerable<uint> FaultState(TranslationUnit model) => [PocketRegister.FaultStatus];

    public override void UndoFault(TranslationUnit model, IReadOnlyDictionary<uint, uint> state) =>
        Models.Poke(model, PocketRegister.FaultStatus, 0);
}
