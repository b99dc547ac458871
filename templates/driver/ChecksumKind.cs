using Aperture.Boards;
using Aperture.Boards.Masters;
using Aperture.Devices;
using Aperture.Hardware.Masters;

namespace ApertureDriver;

/// <summary>How a board has the device: the compatible string of its node, its model, and the driver that it boots with.</summary>
internal sealed class ChecksumKind : MasterKind
{
    public override IReadOnlyList<string> Compatible => ["example,checksum"];

    public override MasterDevice CreateModel(MasterSite site) => new ChecksumEngine(site.Ports[0]);

    public override IDriver CreateDriver(Machine machine) => new ChecksumDriver(machine.Clock);
}
