using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.AtsEndpoint;
using Aperture.Hardware.Ats;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Pci;

namespace Aperture.Emulators.Tests; // in Aperture.Hardware names such as SmmuV3 would be namespaces, as they are not for others

/// <summary>The example of docs/units/ats-endpoint.md.</summary>
public class AtsEndpointEmulatorTests
{
    [Fact]
    public void The_example_of_its_page_works()
    {
        using var ram = new PhysicalMemory(new MemoryRange(new PhysicalAddress(0x8000_0000), 16 << 20));
        var bus = new SystemBus(ram);
        var host = new PciHost(new PciHostOptions
        {
            LastBus = 15,
            Windows = [new PciMemoryWindow(new PhysicalAddress(0x5000_0000), 0x5000_0000, 0x1000_0000)],
        }); // Upstream says which unit stands behind which function
        host.AttachTo(bus, new PhysicalAddress(0x4000_0000)); // the ECAM
        var endpoint = new AtsEndpoint(bus);
        host.Root.Add(endpoint, device: 1);

        // What the guest's CPU finds in configuration space.
        bus.TryReadRegister(new PhysicalAddress(0x4000_8000), 4, out var identity);

        Assert.Equal(((uint)AtsEndpointRegisters.Device << 16) | AtsEndpointRegisters.Vendor, identity);
    }
}
