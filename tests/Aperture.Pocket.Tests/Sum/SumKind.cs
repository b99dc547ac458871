using Aperture.Boards;
using Aperture.Boards.Masters;
using Aperture.Devices;
using Aperture.Hardware.Masters;

namespace Aperture.Pocket.Tests.Sum;

internal sealed class SumKind : MasterKind
{
    public override IReadOnlyList<string> Compatible => ["test,sum"];

    public override MasterDevice CreateModel(MasterSite site) => new SumEngine(site.Ports[0]);

    public override IDriver CreateDriver(Machine machine) => new SumDriver();
}
