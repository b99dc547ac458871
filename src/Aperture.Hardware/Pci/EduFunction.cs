using Aperture.Core;
using Aperture.Datasheets.Edu;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;

namespace Aperture.Hardware.Pci;

/// <summary>The educational device as the PCI function that virtual machines have (docs/units/edu.md): vendor 0x1234, device 0x11e8, its
/// registers in BAR 0, one message, and INTA.</summary>
public sealed class EduFunction : PciFunction
{
    /// <summary>A device.</summary>
    /// <param name="bus">The bus on the other side of its host.</param>
    /// <param name="options">What it is like; the device that virtual machines have by default when null.</param>
    /// <param name="function">What the function can do; an endpoint of PCI Express with one vector of MSI when null.</param>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: there is no such function.</exception>
    public EduFunction(SystemBus bus, EduOptions? options = null, PciFunctionOptions? function = null)
        : base(bus, new PciIdentity(EduRegisters.Vendor, EduRegisters.Device) { Revision = 0x10, ClassCode = 0x00_FF_00 },
            function ?? new PciFunctionOptions { MsiVectors = 1 })
    {
        Edu = new Edu(Port, options);
        AddBar(0, new PciBar(Edu));
        Connect(Edu.Interrupt);
    }

    /// <summary>The device itself.</summary>
    public Edu Edu { get; }
}
