using Aperture.DeviceTrees;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Pci;

namespace Aperture.Boards.Pci;

/// <summary>A PCI host whose slots are being filled, before the machine boots.</summary>
/// <param name="Node">The host's node.</param>
/// <param name="Host">The host: its <see cref="PciHost.Root"/> takes functions and bridges.</param>
/// <param name="Bus">The bus on the other side of the host; functions are made for it.</param>
/// <param name="Time">The machine's time.</param>
/// <param name="Pace">How fast the machine's masters work; null: a command at once.</param>
public sealed record PciSite(DeviceTreeNode Node, PciHost Host, SystemBus Bus, TimeProvider Time, MasterPace? Pace);
